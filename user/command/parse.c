/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/parse.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/user_file.h"
#include "base/words.h"
#include "command/nearest.h"
#include "command/option_table.h"
#include "command/option_values.h"
#include "join/survey.h"

#define DEFAULT_SERVICES 100
#define DEFAULT_RING (2U << 20)
#define DEFAULT_WINDOW (600 * KW_S)

#define ARGUMENTS_MAX 128 /* options on one command line */

/* An option as it was given, before it is known which command it is for. */
struct given {
	const struct kw_option_row *row;
	const char *value;
};

static const struct kw_option_row *row_by_name(const char *name)
{
	for (size_t i = 0; i < kw_option_count; i++)
		if (strcmp(kw_option_table[i].name, name) == 0)
			return &kw_option_table[i];
	return NULL;
}

static void getopt_table(struct option ret_long[KW_OPTIONS_MAX + 1], char ret_short[2 * KW_OPTIONS_MAX + 2])
{
	size_t letters = 0;

	ret_short[letters++] = ':'; /* tells a missing value from an unknown option */
	for (size_t i = 0; i < kw_option_count; i++) {
		ret_long[i] = (struct option){kw_option_table[i].name,
					      kw_option_table[i].argument ? required_argument : no_argument,
					      NULL, 256 + (int)i};
		if (kw_option_table[i].letter)
			ret_short[letters++] = kw_option_table[i].letter;
	}
	ret_long[kw_option_count] = (struct option){0};
	ret_short[letters] = '\0';
}

static const struct kw_option_row *row_by_code(int code)
{
	if (code >= 256 && code < 256 + (int)kw_option_count)
		return &kw_option_table[code - 256];
	for (size_t i = 0; i < kw_option_count; i++)
		if (kw_option_table[i].letter && kw_option_table[i].letter == code)
			return &kw_option_table[i];
	return NULL;
}

static const char *option_name(size_t index)
{
	return index < kw_option_count ? kw_option_table[index].name : NULL;
}

static const char *command_name(size_t index)
{
	return index < KW_COMMANDS ? kw_command_table[index].name : NULL;
}

static int unknown_option(const char *argument)
{
	const char *meant = kw_nearest(argument + strspn(argument, "-"), option_name);

	if (meant)
		return kw_log_error(-EINVAL, "unknown option %.100s: did you mean --%s?", argument, meant);
	return kw_log_error(-EINVAL, "unknown option %.100s: see keepwatch --help", argument);
}

static int unknown_command(const char *name)
{
	const char *meant = kw_nearest(name, command_name);

	if (meant)
		return kw_log_error(-EINVAL, "unknown command '%.100s': did you mean %s?", name, meant);
	return kw_log_error(-EINVAL, "unknown command '%.100s': see keepwatch --help", name);
}

static int bad_option(int code, const char *argument)
{
	if (code == ':')
		return kw_log_error(-EINVAL, "option %s needs a value: see keepwatch --help", argument);
	if (optopt >= 256)
		return kw_log_error(-EINVAL, "option %s takes no value: see keepwatch --help", argument);
	if (optopt)
		return kw_log_error(-EINVAL, "unknown option -%c: see keepwatch --help", optopt);
	return unknown_option(argument);
}

/* Collects the options; what is left is the command. Returns how many there are. */
static int collect(int argc, char **argv, struct given ret_given[ARGUMENTS_MAX])
{
	struct option long_options[KW_OPTIONS_MAX + 1];
	char short_options[2 * KW_OPTIONS_MAX + 2];
	int count = 0;
	int code;

	getopt_table(long_options, short_options);
	optind = 0; /* GNU: start afresh */
	opterr = 0;
	while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		const struct kw_option_row *row = row_by_code(code);

		if (!row)
			return bad_option(code, argv[optind - 1]);
		if (count == ARGUMENTS_MAX)
			return kw_log_error(-EINVAL, "more than %d options: use --config", ARGUMENTS_MAX);
		ret_given[count++] = (struct given){row, optarg};
	}
	return count;
}

static int command_by_name(const char *name, enum kw_command *ret_command)
{
	for (unsigned int i = 0; i < KW_COMMANDS; i++)
		if (strcmp(name, kw_command_table[i].name) == 0) {
			*ret_command = i;
			return 0;
		}
	return unknown_command(name);
}

/* The command and, of those that take one, its file, its files or its topic. */
static int read_arguments(int argc, char **argv, struct kw_options *options)
{
	int at = optind, r = 0;

	options->command = KW_COMMAND_RUN;
	if (at < argc)
		r = command_by_name(argv[at++], &options->command);
	if (r < 0)
		return r;
	if (options->command == KW_COMMAND_RECORD || options->command == KW_COMMAND_REPLAY) {
		if (at == argc)
			return kw_log_error(-EINVAL, "%s needs a file: see keepwatch help %s",
					    command_name(options->command), command_name(options->command));
		options->file = strdup(argv[at++]);
		if (!options->file)
			return kw_log_error(-ENOMEM, "out of memory");
	}
	if (options->command == KW_COMMAND_REPLAY) {
		options->more_files = argv + at;
		options->more_file_count = (size_t)(argc - at);
		at = argc;
	}
	if (options->command == KW_COMMAND_EXPLAIN && at < argc)
		options->topic = argv[at++];
	if (options->command == KW_COMMAND_HELP && at < argc)
		r = command_by_name(argv[at++], &options->help_for);
	if (r < 0)
		return r;
	if (at < argc)
		return kw_log_error(-EINVAL, "unexpected argument '%.100s': see keepwatch --help", argv[at]);
	return 0;
}

/* A replay takes the options of what it replays as, but for those that only make sense live. */
static bool is_for(const struct kw_option_row *row, const struct kw_options *options)
{
	if (row->commands & 1U << options->command)
		return true;
	return options->command == KW_COMMAND_REPLAY && !(row->commands & KW_OPTION_LIVE) &&
	       (row->commands & 1U << options->replay_as);
}

static int apply(struct kw_options *options, const struct given *given)
{
	const struct kw_option_row *row = given->row;

	if (!is_for(row, options))
		return kw_log_error(-EINVAL, "%s has no option --%s: see keepwatch help %s",
				    command_name(options->command), row->name, command_name(options->command));
	if (!row->set)
		return 0;
	if (row->set(options, given->value) < 0)
		return kw_log_error(-EINVAL, "--%s '%.100s': expected %s", row->name, given->value,
				    row->expects);
	if (row->set == kw_set_listen)
		options->listen_file = NULL;
	return 0;
}

static int unknown_key(const char *path, unsigned int number, const char *key)
{
	const char *meant = kw_nearest(key, option_name);
	char excerpt[KW_KEY_EXCERPT];

	kw_key_excerpt(key, excerpt);
	if (meant)
		return kw_log_error(-EINVAL, "%s:%u: unknown key '%s': did you mean %s?", path, number, excerpt,
				    meant);
	return kw_log_error(-EINVAL, "%s:%u: unknown key '%s': keys are the long options", path, number,
			    excerpt);
}

/* "key = value", or "key" or "key = true" of an option without a value. */
static int apply_line(struct kw_options *options, const char *path, unsigned int number, char *line)
{
	const struct kw_option_row *row;
	char *equals = strchr(line, '=');
	char *value = NULL;
	char *key;

	if (equals) {
		*equals = '\0';
		value = kw_trim(equals + 1);
	}
	key = kw_trim(line);
	row = row_by_name(key);
	if (!row || !row->set)
		return unknown_key(path, number, key);
	if (!is_for(row, options))
		return 0; /* one file may serve several commands */
	if (!row->argument && value) {
		if (strcmp(value, "false") == 0)
			return 0;
		if (strcmp(value, "true") != 0)
			return kw_log_error(-EINVAL, "%s:%u: %s: expected true or false", path, number, key);
	} else if (row->argument && !value) {
		return kw_log_error(-EINVAL, "%s:%u: %s: expected %s", path, number, key, row->expects);
	}
	if (row->set(options, value) < 0)
		return kw_log_error(-EINVAL, "%s:%u: %s '%.32s': expected %s", path, number, key, value,
				    row->expects);
	if (row->set == kw_set_listen) {
		options->listen_file = path;
		options->listen_line = number;
	}
	return 0;
}

static int apply_file(struct kw_options *options, const char *path)
{
	_cleanup_file_ FILE *file = kw_user_fopen(path);
	_cleanup_free_ char *line = NULL;
	unsigned int number = 0;
	size_t size = 0;

	if (!file)
		return kw_log_error(-EINVAL, "cannot read the configuration file %s: %s", path,
				    kw_user_strerror(errno));
	while (getline(&line, &size, file) >= 0) {
		char *text = kw_trim(line);
		int r;

		number++;
		if (text[0] == '\0' || text[0] == '#')
			continue;
		r = apply_line(options, path, number, text);
		if (r < 0)
			return r;
	}
	if (ferror(file))
		return kw_log_error(-EINVAL, "cannot read the configuration file %s: %s", path,
				    strerror(errno));
	return 0;
}

static int check_replay(const struct kw_options *options)
{
	if (options->more_file_count >= KW_HOSTS_MAX)
		return kw_log_error(-EINVAL, "replay takes at most %d files", KW_HOSTS_MAX);
	if (options->more_file_count && options->replay_as == KW_COMMAND_RUN)
		return kw_log_error(-EINVAL, "--as metrics takes one file: metrics are those of one host");
	if (options->pair && options->replay_as != KW_COMMAND_TRACE)
		return kw_log_error(-EINVAL,
				    "--pair goes with --as trace: a report of several files uses pairs anyway");
	return 0;
}

static int check_together(const struct kw_options *options)
{
	if (options->command == KW_COMMAND_REPLAY)
		return check_replay(options);
	if (kw_endpoint_is_loopback(&options->listen_address) || options->allow_remote)
		return 0;
	if (options->listen_file)
		return kw_log_error(-EINVAL,
				    "%s:%u: other hosts can reach listen %s: add allow-remote if you want that",
				    options->listen_file, options->listen_line, options->listen);
	return kw_log_error(-EINVAL, "other hosts can reach --listen %s: add --allow-remote if you want that",
			    options->listen);
}

static int defaults(struct kw_options *options)
{
	options->ring_size = DEFAULT_RING;
	options->services = DEFAULT_SERVICES;
	options->window = DEFAULT_WINDOW;
	options->fail_on = KW_SEVERITY_MAX;
	options->replay_as = KW_COMMAND_TRACE;
	return kw_set_listen(options, KW_DEFAULT_LISTEN);
}

/* The file comes first, so that the command line has the last word; before it, what a replay is to replay as,
 * since that says which options there are. */
static int apply_all(struct kw_options *options, const struct given *given, int count)
{
	int r = defaults(options);

	for (int i = 0; i < count && r == 0; i++)
		if (given[i].row->commands == 1U << KW_COMMAND_REPLAY)
			r = apply(options, &given[i]);
	for (int i = 0; i < count && r == 0; i++)
		if (strcmp(given[i].row->name, "config") == 0)
			r = apply_file(options, options->config = given[i].value);
	for (int i = 0; i < count && r == 0; i++)
		r = apply(options, &given[i]);
	return r < 0 ? r : check_together(options);
}

static bool is_given(const struct given *given, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(given[i].row->name, name) == 0)
			return true;
	return false;
}

/* "keepwatch COMMAND --help": whatever else is given is left aside, because a user who asks how a command is used has
 * not got the rest right yet. */
static int read_help(int argc, char **argv, struct kw_options *options)
{
	options->command = KW_COMMAND_HELP;
	options->help_for = KW_COMMAND_HELP;
	return optind < argc ? command_by_name(argv[optind], &options->help_for) : 0;
}

int kw_options_parse(int argc, char **argv, struct kw_options *ret_options)
{
	struct given given[ARGUMENTS_MAX];
	_cleanup_(kw_options_free) struct kw_options options = {0};
	int count = collect(argc, argv, given);
	int r = 0;

	if (count < 0)
		return count;
	options.help_for = KW_COMMAND_HELP;
	options.argc = argc;
	options.argv = argv;
	if (is_given(given, count, "help"))
		r = read_help(argc, argv, &options);
	else if (is_given(given, count, "version"))
		options.command = KW_COMMAND_VERSION;
	else
		r = read_arguments(argc, argv, &options);
	if (r == 0 && options.command < KW_COMMAND_HELP)
		r = apply_all(&options, given, count);
	if (r < 0)
		return r;
	*ret_options = TAKE_STRUCT(options);
	return 0;
}

void kw_options_free(struct kw_options *options)
{
	free(options->listen);
	free(options->web_config);
	free(options->btf);
	free(options->file);
	free(options->namer.networks);
	*options = (struct kw_options){0};
}
