/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/help.h"

#include <stdio.h>

#include "command/option_table.h"

#define EVERY_COMMAND ((1U << KW_COMMAND_HELP) - 1)
#define LEFT 28 /* width of the column of names */

static void print_pair(const char *left, const char *right)
{
	if (snprintf(NULL, 0, "%s", left) > LEFT)
		printf("  %s\n  %-*s %s\n", left, LEFT, "", right);
	else
		printf("  %-*s %s\n", LEFT, left, right);
}

static void print_option(const struct kw_option_row *row)
{
	char left[64];

	if (row->letter)
		snprintf(left, sizeof(left), "-%c, --%s", row->letter, row->name);
	else
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
			 row->argument ? row->argument : "");
	print_pair(left, row->help);
}

static void print_command(const struct kw_command_row *row)
{
	char left[64];

	snprintf(left, sizeof(left), "keepwatch %s%s%s", row->name, row->argument ? " " : "",
		 row->argument ? row->argument : "");
	print_pair(left, row->help);
}

static unsigned int commands_of(const struct kw_option_row *row)
{
	return row->commands & EVERY_COMMAND;
}

/* "run, trace and report:" */
static void print_commands(unsigned int commands)
{
	const char *between = "";

	if (commands == EVERY_COMMAND) {
		printf("\nEvery command:\n");
		return;
	}
	printf("\n");
	for (unsigned int i = 0; i < KW_COMMAND_HELP; i++) {
		if (!(commands & 1U << i))
			continue;
		printf("%s%s", between, kw_command_table[i].name);
		commands &= ~(1U << i);
		between = commands & (commands - 1) ? ", " : " and ";
	}
	printf(":\n");
}

/* Options of the same commands stand together, in the order of the table. */
static void print_all_options(void)
{
	for (size_t i = 0; i < kw_option_count; i++) {
		unsigned int commands = commands_of(&kw_option_table[i]);
		size_t first = 0;

		while (commands_of(&kw_option_table[first]) != commands)
			first++;
		if (first < i)
			continue;
		print_commands(commands);
		for (size_t j = i; j < kw_option_count; j++)
			if (commands_of(&kw_option_table[j]) == commands)
				print_option(&kw_option_table[j]);
	}
}

static void print_all(void)
{
	printf("keepwatch finds out why each HTTP/1.x connection of this host closed, and which closes lost "
	       "requests.\n\n");
	for (unsigned int i = 0; i < KW_COMMANDS; i++)
		print_command(&kw_command_table[i]);
	print_all_options();
	printf("\nkeepwatch replay also takes the options of trace, report or run, except those for "
	       "observing.\nDurations: 500ms, 30s, 5m. Exit status: 0 done, 1 failed while running, 2 bad "
	       "usage,\n3 this host cannot run keepwatch (see keepwatch check), 4 a finding is as severe as "
	       "--fail-on.\n");
}

/* Options that @command takes by itself, or else those that a replay takes of the command that it replays as. */
static void print_options(const char *title, enum kw_command command, bool by_replay)
{
	printf("\n%s:\n", title);
	for (size_t i = 0; i < kw_option_count; i++) {
		const struct kw_option_row *row = &kw_option_table[i];
		bool own_of_replay = row->commands & 1U << KW_COMMAND_REPLAY;

		if (!(row->commands & 1U << command))
			continue;
		if (by_replay && (own_of_replay || row->commands & KW_OPTION_LIVE))
			continue;
		print_option(row);
	}
}

void kw_help(enum kw_command command)
{
	const struct kw_command_row *row = &kw_command_table[command];

	if (command == KW_COMMAND_HELP) {
		print_all();
		return;
	}
	print_command(row);
	print_options("Options", command, false);
	if (command == KW_COMMAND_REPLAY) {
		print_options("With --as trace", KW_COMMAND_TRACE, true);
		print_options("With --as report", KW_COMMAND_REPORT, true);
		print_options("With --as metrics", KW_COMMAND_RUN, true);
	}
	printf("\nExamples:\n");
	for (size_t i = 0; i < sizeof(row->examples) / sizeof(row->examples[0]); i++)
		printf("  %s\n", row->examples[i]);
}
