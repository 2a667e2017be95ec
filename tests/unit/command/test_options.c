/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "judge/judge.h"
#include "command/option_table.h"
#include "command/options.h"
#include "command/parse.h"

#define ARGUMENTS 24

/* Parses a command line given as one text, cut at spaces; what was said on standard error goes to @ret_said. */
static int parse(const char *line, struct kw_options *ret_options, char ret_said[1024])
{
	static char program[] = "keepwatch";
	char *argv[ARGUMENTS] = {program}, *copy = strdup(line);
	int said = memfd_create("said", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	int argc = 1, r;
	ssize_t length;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	dup2(said, STDERR_FILENO);
	r = kw_options_parse(argc, argv, ret_options);
	dup2(saved, STDERR_FILENO);
	length = pread(said, ret_said, 1023, 0);
	ret_said[length > 0 ? length : 0] = '\0';
	close(saved);
	close(said);
	free(copy);
	return r;
}

static struct kw_options parsed(const char *line)
{
	struct kw_options options;
	char said[1024];

	if (parse(line, &options, said) < 0)
		fail_msg("keepwatch %s: %s", line, said);
	assert_string_equal(said, "");
	return options;
}

/* Bad usage is told in one line, which holds @hint. */
static void assert_refused(const char *line, const char *hint)
{
	struct kw_options options = {.count = 77};
	char said[1024];

	assert_int_equal(parse(line, &options, said), -EINVAL);
	assert_int_equal(options.count, 77);
	if (strncmp(said, "keepwatch: ", 11) != 0 || !strstr(said, hint) ||
	    strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("keepwatch %s: %s", line, said);
}

static void the_default_is_to_run(void **state)
{
	struct kw_options options = parsed("");

	(void)state;
	assert_int_equal(options.command, KW_COMMAND_RUN);
	assert_string_equal(options.listen, "127.0.0.1:9951");
	assert_int_equal(options.services, 100);
	assert_int_equal(options.window, 600 * KW_S);
	assert_int_equal(options.ring_size, 2 << 20);
	assert_int_equal(options.filter.port_count, 0);
	kw_options_free(&options);
}

static void commands_are_found_wherever_they_stand(void **state)
{
	const struct {
		const char *line;
		enum kw_command command;
	} rows[] = {
		{"run", KW_COMMAND_RUN},
		{"trace", KW_COMMAND_TRACE},
		{"--port 80 trace", KW_COMMAND_TRACE},
		{"trace --port 80", KW_COMMAND_TRACE},
		{"check -v", KW_COMMAND_CHECK},
		{"--help", KW_COMMAND_HELP},
		{"trace --help", KW_COMMAND_HELP},
		{"-h", KW_COMMAND_HELP},
		{"help", KW_COMMAND_HELP},
		{"help trace", KW_COMMAND_HELP},
		{"record -h", KW_COMMAND_HELP},
		{"--version", KW_COMMAND_VERSION},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_options options = parsed(rows[i].line);

		assert_int_equal(options.command, rows[i].command);
		kw_options_free(&options);
	}
}

static void help_is_for_the_command_that_is_named(void **state)
{
	const struct {
		const char *line;
		enum kw_command command;
	} rows[] = {
		{"--help", KW_COMMAND_HELP},        {"help", KW_COMMAND_HELP},
		{"help help", KW_COMMAND_HELP},     {"trace --help", KW_COMMAND_TRACE},
		{"help trace", KW_COMMAND_TRACE},   {"-h replay", KW_COMMAND_REPLAY},
		{"help replay", KW_COMMAND_REPLAY}, {"run --port x -h", KW_COMMAND_RUN},
		{"help run", KW_COMMAND_RUN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_options options = parsed(rows[i].line);

		assert_int_equal(options.command, KW_COMMAND_HELP);
		assert_int_equal(options.help_for, rows[i].command);
		kw_options_free(&options);
	}
}

static void the_examples_of_the_help_are_good_usage(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KW_COMMANDS; i++)
		for (size_t j = 0; j < 2; j++) {
			const char *example = kw_command_table[i].examples[j];
			struct kw_options options;

			assert_memory_equal(example, "keepwatch ", 10);
			options = parsed(example + 10);
			assert_int_equal(options.command, i);
			kw_options_free(&options);
		}
}

static void filters_reach_the_kernels_configuration(void **state)
{
	struct kw_options options = parsed(
		"trace --port 80,8080 --port 443 --pid 812 --comm nginx --role client "
		"--net 10.1.2.3/8 --ring-size 1M --exchanges --front-end trampoline --btf one --btf other");
	static const uint8_t net[16] = {[10] = 0xff, 0xff, 10, 0, 0, 0};

	(void)state;
	assert_int_equal(options.filter.port_count, 3);
	assert_int_equal(options.filter.ports[0], 80);
	assert_int_equal(options.filter.ports[1], 8080);
	assert_int_equal(options.filter.ports[2], 443);
	assert_int_equal(options.filter.pid, 812);
	assert_int_equal(options.filter.filter_comm, 1);
	assert_string_equal(options.filter.comm, "nginx");
	assert_int_equal(options.front_end, KW_FRONT_END_TRAMPOLINE);
	assert_string_equal(options.btf, "other");
	assert_int_equal(options.filter.role, KW_ROLE_CLIENT);
	assert_int_equal(options.filter.filter_net, 1);
	assert_memory_equal(options.filter.net, net, 16);
	assert_int_equal(options.filter.net_mask[12], 0xff);
	assert_int_equal(options.filter.net_mask[13], 0);
	assert_int_equal(options.filter.exchanges, 1);
	assert_int_equal(options.ring_size, 1 << 20);
	kw_options_free(&options);
}

static void trace_takes_its_options(void **state)
{
	struct kw_options options = parsed(
		"trace --json --premature --open --count 5 --for 500ms --reason stale_reuse,no_response -v");

	(void)state;
	assert_true(options.json);
	assert_true(options.premature);
	assert_true(options.open);
	assert_int_equal(options.count, 5);
	assert_int_equal(options.duration, 500 * KW_MS);
	assert_int_equal(options.reasons, 1ULL << KW_REASON_STALE_REUSE | 1ULL << KW_REASON_NO_RESPONSE);
	assert_int_equal(options.verbosity, 1);
	kw_options_free(&options);
}

static void run_takes_its_options(void **state)
{
	struct kw_options options =
		parsed("run --listen [::]:9000 --allow-remote --services 7 --service-by container --window 5m "
		       "--networks 10.0.0.0/8=lan,::1=self --networks 192.0.2.0/24=far --log-premature -q "
		       "--web-config web.yml");

	(void)state;
	assert_string_equal(options.listen, "[::]:9000");
	assert_int_equal(options.listen_address.ss_family, AF_INET6);
	assert_string_equal(options.web_config, "web.yml");
	assert_int_equal(options.services, 7);
	assert_int_equal(options.namer.by, KW_SERVICE_BY_CONTAINER);
	assert_int_equal(options.namer.network_count, 3);
	assert_string_equal(options.namer.networks[2].name, "far");
	assert_int_equal(options.window, 300 * KW_S);
	assert_true(options.log_premature);
	assert_int_equal(options.verbosity, -1);
	kw_options_free(&options);
}

static void report_takes_its_options(void **state)
{
	struct kw_options options =
		parsed("report --json --for 30s --every 5s --fail-on warning --services 9 --service-by port");

	(void)state;
	assert_int_equal(options.command, KW_COMMAND_REPORT);
	assert_true(options.json);
	assert_int_equal(options.duration, 30 * KW_S);
	assert_int_equal(options.every, 5 * KW_S);
	assert_int_equal(options.fail_on, KW_SEVERITY_WARNING);
	assert_int_equal(options.services, 9);
	assert_int_equal(options.namer.by, KW_SERVICE_BY_PORT);
	kw_options_free(&options);
	options = parsed("report");
	assert_int_equal(options.fail_on, KW_SEVERITY_MAX);
	assert_int_equal(options.every, 0);
	kw_options_free(&options);
}

static void top_takes_its_options(void **state)
{
	struct kw_options options =
		parsed("top --once --interval 5s --replay closes.kw --port 80 --window 1m --services 9");

	(void)state;
	assert_int_equal(options.command, KW_COMMAND_TOP);
	assert_true(options.once);
	assert_int_equal(options.interval, 5 * KW_S);
	assert_string_equal(options.replay, "closes.kw");
	assert_int_equal(options.filter.port_count, 1);
	assert_int_equal(options.window, 60 * KW_S);
	assert_int_equal(options.services, 9);
	kw_options_free(&options);
	options = parsed("top");
	assert_false(options.once);
	assert_int_equal(options.interval, 2 * KW_S);
	assert_null(options.replay);
	kw_options_free(&options);
}

static void a_replay_takes_the_options_of_what_it_replays_as(void **state)
{
	struct kw_options options = parsed("replay file --count 3 --json");

	(void)state;
	assert_int_equal(options.command, KW_COMMAND_REPLAY);
	assert_int_equal(options.replay_as, KW_COMMAND_TRACE);
	assert_string_equal(options.file, "file");
	assert_int_equal(options.count, 3);
	kw_options_free(&options);
	options = parsed("replay --fail-on critical file --as report");
	assert_int_equal(options.replay_as, KW_COMMAND_REPORT);
	assert_string_equal(options.file, "file");
	assert_int_equal(options.fail_on, KW_SEVERITY_CRITICAL);
	kw_options_free(&options);
	options = parsed("replay --as metrics --window 5m file");
	assert_int_equal(options.replay_as, KW_COMMAND_RUN);
	assert_int_equal(options.window, 300 * KW_S);
	kw_options_free(&options);
	options = parsed("record file --exchanges --for 5s --port 80");
	assert_int_equal(options.command, KW_COMMAND_RECORD);
	assert_string_equal(options.file, "file");
	assert_true(options.filter.exchanges);
	kw_options_free(&options);
}

static void bad_usage_is_told_in_one_line(void **state)
{
	static const struct {
		const char *line, *hint;
	} rows[] = {
		{"--nonsense", "unknown option --nonsense"},
		{"-x", "unknown option -x"},
		{"rewind", "unknown command 'rewind': see keepwatch --help"},
		{"trcae", "unknown command 'trcae': did you mean trace?"},
		{"helpp", "did you mean help?"},
		{"help trcae", "did you mean trace?"},
		{"recrod --help", "did you mean record?"},
		{"help trace run", "unexpected argument 'run'"},
		{"--lisen 127.0.0.1:1", "unknown option --lisen: did you mean --listen?"},
		{"--lisen=127.0.0.1:1", "did you mean --listen?"},
		{"--log-premture", "did you mean --log-premature?"},
		{"--xyz", "unknown option --xyz: see keepwatch --help"},
		{"--a-name-that-is-longer-than-any-option-there-is", "see keepwatch --help"},
		{"record", "record needs a file"},
		{"replay", "replay needs a file"},
		{"record a b", "unexpected argument 'b'"},
		{"report file", "unexpected argument 'file'"},
		{"replay a --as daemon", "trace, report or metrics"},
		{"replay a --port 80", "replay has no option --port"},
		{"replay a --fail-on info", "replay has no option --fail-on"},
		{"replay a --as report --count 1", "replay has no option --count"},
		{"replay a --as report --for 1s", "replay has no option --for"},
		{"replay a --as metrics --listen 127.0.0.1:1", "replay has no option --listen"},
		{"report --premature", "report has no option --premature"},
		{"report --fail-on fatal", "info, warning or critical"},
		{"report --every 0s", "duration"},
		{"top --interval 999ms", "1s or more"},
		{"top --interval 0s", "1s or more"},
		{"top --replay=", "a file"},
		{"top --for 5s", "top has no option"},
		{"report --once", "report has no option"},
		{"trace run", "unexpected argument 'run'"},
		{"trace --port", "--port needs a value"},
		{"trace --json=1", "takes no value"},
		{"run --json", "run has no option --json"},
		{"trace --listen 127.0.0.1:1", "trace has no option --listen"},
		{"check --port 80", "check has no option --port"},
		{"--port 0", "--port '0'"},
		{"--port 65536", "--port"},
		{"--port 80,", "--port"},
		{"--port 80x", "--port"},
		{"--port 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "at most 16"},
		{"--pid 0", "--pid"},
		{"--pid -1", "--pid"},
		{"--comm a-name-of-16-byt", "--comm"},
		{"--role both", "client or server"},
		{"--net 10.0.0.0/64", "--net"},
		{"--ring-size 100000", "power of two"},
		{"--ring-size 4096", "power of two"},
		{"--ring-size 2G", "power of two"},
		{"--listen 9951", "--listen"},
		{"--listen 0.0.0.0:9951", "--allow-remote"},
		{"--services 0", "--services"},
		{"--service-by name", "--service-by"},
		{"--networks 10.0.0.0/8", "--networks"},
		{"--networks 10.0.0.0/8=", "--networks"},
		{"--networks 10.0.0.0/8=a\"b", "--networks"},
		{"--window 10", "duration"},
		{"trace --for 0s", "duration"},
		{"trace --for 1x", "duration"},
		{"trace --for 99999999999999999999s", "duration"},
		{"trace --count 0", "--count"},
		{"trace --reason nonsense", "reasons"},
		{"trace --reason stale_reuse,", "reasons"},
		{"--config /nonexistent/file", "/nonexistent/file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(rows[i].line, rows[i].hint);
}

/* Writes @text to a new file and puts @options in front of " --config FILE" into @ret_line. */
static void with_file(const char *text, const char *options, char ret_path[64], char ret_line[256])
{
	int fd;

	strcpy(ret_path, "/tmp/keepwatch-test-XXXXXX");
	fd = mkstemp(ret_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(ret_line, 256, "%s --config %s", options, ret_path);
}

static void a_file_says_what_the_command_line_does_not(void **state)
{
	char path[64], line[256];
	struct kw_options options;

	(void)state;
	with_file("# a comment\n\n  services = 9 \nlog-premature\nallow-remote = false\nport = 80 , 81\n"
		  "service-by=port\nquiet = true\njson\n", /* what is another command's is left alone */
		  "run --services 3 --port 443", path, line);
	options = parsed(line);
	assert_int_equal(options.services, 3);
	assert_true(options.log_premature);
	assert_false(options.allow_remote);
	assert_int_equal(options.filter.port_count, 3);
	assert_int_equal(options.namer.by, KW_SERVICE_BY_PORT);
	assert_int_equal(options.verbosity, -1);
	assert_false(options.json);
	kw_options_free(&options);
	unlink(path);
}

static void a_bad_file_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *hint;
	} rows[] = {
		{"services = 9\nnonsense = 1\n", ":2: unknown key 'nonsense'"},
		{"servics = 9\n", ":1: unknown key 'servics': did you mean services?"},
		{"services = none\n", ":1: services 'none': expected a number"},
		{"\nservices\n", ":2: services: expected"},
		{"log-premature = 1\n", ":1: log-premature: expected true or false"},
		{"config = /etc/other\n", ":1: unknown key 'config'"},
		{"help\n", ":1: unknown key 'help'"},
		{"services = 9\nlisten = 0.0.0.0:1\n", ":2: other hosts can reach listen 0.0.0.0:1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[64], line[256];

		with_file(rows[i].text, "", path, line);
		assert_refused(line, rows[i].hint);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_to_run),
		cmocka_unit_test(commands_are_found_wherever_they_stand),
		cmocka_unit_test(help_is_for_the_command_that_is_named),
		cmocka_unit_test(the_examples_of_the_help_are_good_usage),
		cmocka_unit_test(filters_reach_the_kernels_configuration),
		cmocka_unit_test(trace_takes_its_options),
		cmocka_unit_test(run_takes_its_options),
		cmocka_unit_test(report_takes_its_options),
		cmocka_unit_test(top_takes_its_options),
		cmocka_unit_test(a_replay_takes_the_options_of_what_it_replays_as),
		cmocka_unit_test(bad_usage_is_told_in_one_line),
		cmocka_unit_test(a_file_says_what_the_command_line_does_not),
		cmocka_unit_test(a_bad_file_is_told_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
