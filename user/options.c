/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "option_values.h"

#define DEFAULT_LISTEN "127.0.0.1:9951"
#define DEFAULT_SERVICES 100
#define DEFAULT_RING (2U << 20)
#define DEFAULT_WINDOW (600 * KW_S)

#define RUN (1U << KW_COMMAND_RUN)
#define TRACE (1U << KW_COMMAND_TRACE)
#define REPORT (1U << KW_COMMAND_REPORT)
#define RECORD (1U << KW_COMMAND_RECORD)
#define REPLAY (1U << KW_COMMAND_REPLAY)
#define CHECK (1U << KW_COMMAND_CHECK)
#define EXPLAIN (1U << KW_COMMAND_EXPLAIN)
#define OBSERVING (RUN | TRACE | REPORT | RECORD)
#define ALL (OBSERVING | REPLAY | CHECK | EXPLAIN)
#define LIVE (1U << 31) /* of an output's option: not for a replay, which has no kernel and no clock */

static const char *const command_names[] = {
	[KW_COMMAND_RUN] = "run",         [KW_COMMAND_TRACE] = "trace",   [KW_COMMAND_REPORT] = "report",
	[KW_COMMAND_RECORD] = "record",   [KW_COMMAND_REPLAY] = "replay", [KW_COMMAND_CHECK] = "check",
	[KW_COMMAND_EXPLAIN] = "explain",
};

/* One option: its long name is its key in the configuration file too. */
struct option_row {
	const char *name;
	char letter;           /* or 0 */
	const char *argument;  /* what --help calls it; NULL if it takes none */
	unsigned int commands; /* 1 << enum kw_command: where it is known; and LIVE */
	int (*set)(struct kw_options *options, const char *value);
	const char *expects; /* for the message about a bad value */
	const char *help;
};

static const struct option_row table[] = {
	{"port", 0, "N[,N...]", OBSERVING | LIVE, kw_set_port, "port numbers, 1 to 65535, at most 16 of them",
	 "only connections with one of these ports at either end"},
	{"pid", 0, "N", OBSERVING | LIVE, kw_set_pid, "a process id", "only connections of this process"},
	{"comm", 0, "NAME", OBSERVING | LIVE, kw_set_comm, "a process name of at most 15 bytes",
	 "only connections of processes of this name"},
	{"role", 0, "client|server", OBSERVING | LIVE, kw_set_role, "client or server",
	 "only sockets that connected, or that were accepted"},
	{"net", 0, "CIDR", OBSERVING | LIVE, kw_set_net, "a network such as 10.0.0.0/8 or fd00::/8",
	 "only connections with a remote address in this network"},
	{"ring-size", 0, "BYTES", OBSERVING | LIVE, kw_set_ring_size, "a power of two from 64K to 1024M",
	 "size of the kernel's event buffer (2M)"},
	{"front-end", 0, "WHICH", OBSERVING | CHECK | LIVE, kw_set_front_end, "tracepoint or trampoline",
	 "tracepoint or trampoline: how bytes are seen (the first that works)"},
	{"config", 0, "FILE", ALL, NULL, "a file", "read long options from FILE, one 'key = value' a line"},
	{"verbose", 'v', NULL, ALL, kw_set_verbose, "no value",
	 "say more; trace: evidence for each connection"},
	{"quiet", 'q', NULL, ALL, kw_set_quiet, "no value", "say nothing but errors"},

	{"listen", 0, "ADDR:PORT", RUN | LIVE, kw_set_listen,
	 "an address and a port, such as 127.0.0.1:9951 or [::1]:9951",
	 "where metrics are served (" DEFAULT_LISTEN ")"},
	{"allow-remote", 0, NULL, RUN | LIVE, kw_set_allow_remote, "no value",
	 "allow --listen on another than a loopback address"},
	{"web-config", 0, "FILE", RUN | LIVE, kw_set_web_config, "a file",
	 "TLS and users of the metrics, as Prometheus' exporters have them"},
	{"services", 0, "N", RUN | REPORT, kw_set_services, "a number from 1 to 10000",
	 "how many services are told apart (100); the rest is 'other'"},
	{"service-by", 0, "WHAT", RUN | TRACE | REPORT, kw_set_service_by, "comm, cgroup, container or port",
	 "what names a server: comm, cgroup, container, port (comm)"},
	{"networks", 0, "CIDR=NAME[,...]", RUN | TRACE | REPORT, kw_set_networks,
	 "networks and their names, such as 10.1.0.0/16=backend", "names for remote networks"},
	{"window", 0, "DURATION", RUN, kw_set_window, "a duration such as 500ms, 30s or 5m",
	 "how long findings look back (10m)"},
	{"log-premature", 0, NULL, RUN | LIVE, kw_set_log_premature, "no value",
	 "log a line per premature close"},

	{"json", 0, NULL, TRACE | REPORT, kw_set_json, "no value", "JSON Lines"},
	{"exchanges", 0, NULL, TRACE | RECORD, kw_set_exchanges, "no value",
	 "also one record per request and response"},
	{"premature", 0, NULL, TRACE, kw_set_premature, "no value", "only closes that lost or cut a request"},
	{"reason", 0, "R[,R...]", TRACE, kw_set_reason, "reasons such as stale_reuse",
	 "only closes for these reasons"},
	{"count", 0, "N", TRACE, kw_set_count, "a number from 1 on", "stop after N closes"},
	{"for", 0, "DURATION", TRACE | REPORT | RECORD | LIVE, kw_set_for,
	 "a duration such as 500ms, 30s or 5m", "stop after this time"},
	{"open", 0, NULL, TRACE, kw_set_open, "no value", "at the end, report connections still open"},

	{"every", 0, "DURATION", REPORT, kw_set_every, "a duration such as 500ms, 30s or 5m",
	 "report again and again, each time on all that was seen so far"},
	{"fail-on", 0, "SEVERITY", REPORT, kw_set_fail_on, "info, warning or critical",
	 "exit status 4 if a finding is that severe"},
	{"as", 0, "WHAT", REPLAY, kw_set_as, "trace, report or metrics",
	 "trace, report or metrics (trace), with the options of that command"},

	{"help", 0, NULL, ALL, NULL, "no value", "this text"},
	{"version", 0, NULL, ALL, NULL, "no value", "the version"},
};

#define ROWS (sizeof(table) / sizeof(table[0]))
#define ARGUMENTS_MAX 128 /* options on one command line */

/* An option as it was given, before it is known which command it is for. */
struct given {
	const struct option_row *row;
	const char *value;
};

static const struct option_row *row_by_name(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static void getopt_table(struct option ret_long[ROWS + 1], char ret_short[2 * ROWS + 2])
{
	size_t letters = 0;

	ret_short[letters++] = ':'; /* tells a missing value from an unknown option */
	for (size_t i = 0; i < ROWS; i++) {
		ret_long[i] = (struct option){
			table[i].name, table[i].argument ? required_argument : no_argument, NULL, 256 + (int)i};
		if (table[i].letter)
			ret_short[letters++] = table[i].letter;
	}
	ret_long[ROWS] = (struct option){0};
	ret_short[letters] = '\0';
}

static const struct option_row *row_by_code(int code)
{
	if (code >= 256 && code < 256 + (int)ROWS)
		return &table[code - 256];
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].letter && table[i].letter == code)
			return &table[i];
	return NULL;
}

static int bad_option(int code, const char *argument)
{
	if (code == ':')
		return kw_log_error(-EINVAL, "option %s needs a value: see keepwatch --help", argument);
	if (optopt >= 256)
		return kw_log_error(-EINVAL, "option %s takes no value: see keepwatch --help", argument);
	if (optopt)
		return kw_log_error(-EINVAL, "unknown option -%c: see keepwatch --help", optopt);
	return kw_log_error(-EINVAL, "unknown option %s: see keepwatch --help", argument);
}

/* Collects the options; what is left is the command. Returns how many there are. */
static int collect(int argc, char **argv, struct given ret_given[ARGUMENTS_MAX])
{
	struct option long_options[ROWS + 1];
	char short_options[2 * ROWS + 2];
	int count = 0;
	int code;

	getopt_table(long_options, short_options);
	optind = 0; /* GNU: start afresh */
	opterr = 0;
	while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		const struct option_row *row = row_by_code(code);

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
	for (unsigned int i = 0; i < sizeof(command_names) / sizeof(command_names[0]); i++)
		if (strcmp(name, command_names[i]) == 0) {
			*ret_command = i;
			return 0;
		}
	return kw_log_error(-EINVAL, "unknown command '%.100s': see keepwatch --help", name);
}

/* The command and, of those that take one, its file or topic. */
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
			return kw_log_error(-EINVAL, "%s needs a file: see keepwatch --help",
					    command_names[options->command]);
		options->file = strdup(argv[at++]);
		if (!options->file)
			return kw_log_error(-ENOMEM, "out of memory");
	}
	if (options->command == KW_COMMAND_EXPLAIN && at < argc)
		options->topic = argv[at++];
	if (at < argc)
		return kw_log_error(-EINVAL, "unexpected argument '%.100s': see keepwatch --help", argv[at]);
	return 0;
}

/* A replay takes the options of what it replays as, but for those that only make sense live. */
static bool is_for(const struct option_row *row, const struct kw_options *options)
{
	if (row->commands & 1U << options->command)
		return true;
	return options->command == KW_COMMAND_REPLAY && !(row->commands & LIVE) &&
	       (row->commands & 1U << options->replay_as);
}

static int apply(struct kw_options *options, const struct given *given)
{
	const struct option_row *row = given->row;

	if (!is_for(row, options))
		return kw_log_error(-EINVAL, "%s has no option --%s: see keepwatch --help",
				    command_names[options->command], row->name);
	if (!row->set)
		return 0;
	if (row->set(options, given->value) < 0)
		return kw_log_error(-EINVAL, "--%s '%.100s': expected %s", row->name, given->value,
				    row->expects);
	if (row->set == kw_set_listen)
		options->listen_file = NULL;
	return 0;
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r\n");
	length = strlen(text);
	while (length && strchr(" \t\r\n", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* "key = value", or "key" or "key = true" of an option without a value. */
static int apply_line(struct kw_options *options, const char *path, unsigned int number, char *line)
{
	const struct option_row *row;
	char *equals = strchr(line, '=');
	char *value = NULL;
	char *key;

	if (equals) {
		*equals = '\0';
		value = trim(equals + 1);
	}
	key = trim(line);
	row = row_by_name(key);
	if (!row || !row->set)
		return kw_log_error(-EINVAL, "%s:%u: unknown key '%.100s': keys are the long options", path,
				    number, key);
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
		return kw_log_error(-EINVAL, "%s:%u: %s '%.100s': expected %s", path, number, key, value,
				    row->expects);
	if (row->set == kw_set_listen) {
		options->listen_file = path;
		options->listen_line = number;
	}
	return 0;
}

static int apply_file(struct kw_options *options, const char *path)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	unsigned int number = 0;
	size_t size = 0;

	if (!file)
		return kw_log_error(-EINVAL, "cannot read the configuration file %s: %s", path,
				    strerror(errno));
	while (getline(&line, &size, file) >= 0) {
		char *text = trim(line);
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

static int check_together(const struct kw_options *options)
{
	if (kw_endpoint_is_loopback(&options->listen_address) || options->allow_remote)
		return 0;
	if (options->listen_file)
		return kw_log_error(
			-EINVAL,
			"%s:%u: listen %s can be reached from other hosts: add allow-remote if that is meant",
			options->listen_file, options->listen_line, options->listen);
	return kw_log_error(-EINVAL,
			    "--listen %s can be reached from other hosts: add --allow-remote if that is meant",
			    options->listen);
}

static int defaults(struct kw_options *options)
{
	options->ring_size = DEFAULT_RING;
	options->services = DEFAULT_SERVICES;
	options->window = DEFAULT_WINDOW;
	options->fail_on = KW_SEVERITY_MAX;
	options->replay_as = KW_COMMAND_TRACE;
	return kw_set_listen(options, DEFAULT_LISTEN);
}

/* The file comes first, so that the command line has the last word; before it, what a replay is to replay as,
 * since that says which options there are. */
static int apply_all(struct kw_options *options, const struct given *given, int count)
{
	int r = defaults(options);

	for (int i = 0; i < count && r == 0; i++)
		if (given[i].row->commands == REPLAY)
			r = apply(options, &given[i]);
	for (int i = 0; i < count && r == 0; i++)
		if (strcmp(given[i].row->name, "config") == 0)
			r = apply_file(options, options->config = given[i].value);
	for (int i = 0; i < count && r == 0; i++)
		r = apply(options, &given[i]);
	return r < 0 ? r : check_together(options);
}

int kw_options_parse(int argc, char **argv, struct kw_options *ret_options)
{
	struct given given[ARGUMENTS_MAX];
	struct kw_options options = {0};
	int count = collect(argc, argv, given);
	int r;

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		if (strcmp(given[i].row->name, "help") == 0)
			options.command = KW_COMMAND_HELP;
		else if (strcmp(given[i].row->name, "version") == 0)
			options.command = KW_COMMAND_VERSION;
		else
			continue;
		*ret_options = options;
		return 0;
	}
	options.argc = argc;
	options.argv = argv;
	r = read_arguments(argc, argv, &options);
	if (r == 0)
		r = apply_all(&options, given, count);
	if (r < 0) {
		kw_options_free(&options);
		return r;
	}
	*ret_options = options;
	return 0;
}

void kw_options_free(struct kw_options *options)
{
	free(options->listen);
	free(options->web_config);
	free(options->file);
	free(options->namer.networks);
	*options = (struct kw_options){0};
}

static void help_row(const struct option_row *row)
{
	char left[48];

	if (row->letter)
		snprintf(left, sizeof(left), "-%c, --%s", row->letter, row->name);
	else
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
			 row->argument ? row->argument : "");
	printf("  %-28s %s\n", left, row->help);
}

/* The options of all @commands and of none of @not_commands. */
static void help_rows(const char *title, unsigned int commands, unsigned int not_commands)
{
	printf("\n%s\n", title);
	for (size_t i = 0; i < ROWS; i++)
		if ((table[i].commands & commands) == commands && !(table[i].commands & not_commands))
			help_row(&table[i]);
}

void kw_options_help(void)
{
	printf("keepwatch says why each HTTP/1.x connection of this host closed, and whether it should have.\n"
	       "\n"
	       "  keepwatch [run]         observe and serve Prometheus metrics (the default; the daemon)\n"
	       "  keepwatch trace         one line per closed connection, as it closes\n"
	       "  keepwatch report        observe for a while, then say what is wrong and what to change\n"
	       "  keepwatch record FILE   observe into a file\n"
	       "  keepwatch replay FILE   the file through trace, report or metrics\n"
	       "  keepwatch check         is this host able to run it; what is missing and how to get it\n"
	       "  keepwatch explain       what a reason, finding or alert means, what causes it, what to do\n");
	help_rows("Every command:", ALL, 0);
	help_rows("run, trace, report and record:", OBSERVING, REPLAY);
	help_rows("run, trace and report:", RUN | TRACE | REPORT, RECORD);
	help_rows("run and report:", RUN | REPORT, TRACE);
	help_rows("run:", RUN, REPORT);
	help_rows("trace and report:", TRACE | REPORT, RUN | RECORD);
	help_rows("trace, report and record:", TRACE | REPORT | RECORD, RUN);
	help_rows("trace and record:", TRACE | RECORD, REPORT);
	help_rows("trace:", TRACE, REPORT | RECORD);
	help_rows("report:", REPORT, TRACE | RUN);
	help_rows("replay:", REPLAY, RUN);
	printf("\nA replay takes the options of trace, of report, or of run that are not about observing.\n"
	       "Durations: 500ms, 30s, 5m. Exit status: 0 done, 1 failed while running, 2 bad usage,\n"
	       "3 this host cannot run it (see keepwatch check), 4 a finding is as severe as --fail-on.\n");
}
