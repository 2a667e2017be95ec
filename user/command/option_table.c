/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/option_table.h"

#include "command/option_values.h"

#define ROWS (sizeof(kw_option_table) / sizeof(kw_option_table[0]))

#define RUN (1U << KW_COMMAND_RUN)
#define TRACE (1U << KW_COMMAND_TRACE)
#define REPORT (1U << KW_COMMAND_REPORT)
#define RECORD (1U << KW_COMMAND_RECORD)
#define REPLAY (1U << KW_COMMAND_REPLAY)
#define CHECK (1U << KW_COMMAND_CHECK)
#define EXPLAIN (1U << KW_COMMAND_EXPLAIN)
#define TOP (1U << KW_COMMAND_TOP)
#define OBSERVING (RUN | TRACE | REPORT | RECORD | TOP)
#define ALL (OBSERVING | REPLAY | CHECK | EXPLAIN)
#define LIVE KW_OPTION_LIVE

const struct kw_command_row kw_command_table[KW_COMMANDS] = {
	[KW_COMMAND_RUN] = {"run",
			    NULL,
			    "observe and serve Prometheus metrics (the default; the daemon)",
			    {"keepwatch run", "keepwatch run --listen 127.0.0.1:9100 --service-by container"}},
	[KW_COMMAND_TRACE] = {"trace",
			      NULL,
			      "print one line per closed connection, as it closes",
			      {"keepwatch trace --port 80,443", "keepwatch trace --premature --json --for 5m"}},
	[KW_COMMAND_REPORT] = {"report",
			       NULL,
			       "observe for a while, then print what is wrong and what to change",
			       {"keepwatch report --for 5m",
				"keepwatch report --for 10m --json --fail-on warning"}},
	[KW_COMMAND_RECORD] = {"record",
			       "FILE",
			       "record events into a file",
			       {"keepwatch record closes.kw --for 10m",
				"keepwatch record closes.kw --port 8080"}},
	[KW_COMMAND_REPLAY] =
		{"replay",
		 "FILE...",
		 "show recorded files as trace, report or metrics; those of several hosts together",
		 {"keepwatch replay closes.kw --as report", "keepwatch replay client.kw server.kw --pair"}},
	[KW_COMMAND_TOP] = {"top",
			    NULL,
			    "show services, findings and closes on the terminal, as they are now",
			    {"keepwatch top --port 80,443", "keepwatch top --once --replay closes.kw"}},
	[KW_COMMAND_CHECK] = {"check",
			      NULL,
			      "check whether this host can run keepwatch, and say what is missing",
			      {"keepwatch check", "keepwatch check --front-end trampoline"}},
	[KW_COMMAND_EXPLAIN] = {"explain",
				"[NAME]",
				"explain a reason, finding or alert: meaning, causes, what to do",
				{"keepwatch explain", "keepwatch explain stale_reuse"}},
	[KW_COMMAND_HELP] = {"help",
			     "[COMMAND]",
			     "print a command's usage, options and two examples",
			     {"keepwatch help", "keepwatch help trace"}},
};

const struct kw_option_row kw_option_table[] = {
	{"port", 0, "N[,N...]", OBSERVING | LIVE, kw_set_port, "port numbers, 1 to 65535, at most 16 of them",
	 "only connections with one of these ports at either end"},
	{"pid", 0, "N", OBSERVING | LIVE, kw_set_pid, "a process id", "only connections of this process"},
	{"comm", 0, "NAME", OBSERVING | LIVE, kw_set_comm, "a process name of at most 15 bytes",
	 "only connections of processes with this name"},
	{"role", 0, "client|server", OBSERVING | LIVE, kw_set_role, "client or server",
	 "only sockets that connected (client), or that were accepted (server)"},
	{"net", 0, "CIDR", OBSERVING | LIVE, kw_set_net, "a network such as 10.0.0.0/8 or fd00::/8",
	 "only connections with a remote address in this network"},
	{"netns", 0, "PATH", OBSERVING | LIVE, kw_set_netns,
	 "a network namespace, such as /run/netns/NAME or /proc/PID/ns/net",
	 "only connections within this network namespace"},
	{"ring-size", 0, "BYTES", OBSERVING | LIVE, kw_set_ring_size, "a power of two from 64K to 1024M",
	 "size of the kernel's event buffer (2M)"},
	{"front-end", 0, "tracepoint|trampoline", OBSERVING | CHECK | LIVE, kw_set_front_end,
	 "tracepoint or trampoline", "kernel hooks that show the bytes (the first that works)"},
	{"btf", 0, "FILE", OBSERVING | CHECK | LIVE, kw_set_btf, "a file",
	 "types of the running kernel (BTF), where it cannot show them itself"},
	{"tls", 0, NULL, OBSERVING | CHECK | LIVE, kw_set_tls, "no value",
	 "read HTTP inside TLS, by probes in OpenSSL, GnuTLS and Go of all processes"},
	{"config", 0, "FILE", ALL, NULL, "a file", "read long options from FILE, one 'key = value' per line"},
	{"verbose", 'v', NULL, ALL, kw_set_verbose, "no value",
	 "log more; trace: print evidence for each connection"},
	{"quiet", 'q', NULL, ALL, kw_set_quiet, "no value", "log only errors"},

	{"listen", 0, "ADDR:PORT", RUN | LIVE, kw_set_listen,
	 "an address and a port, such as 127.0.0.1:9951 or [::1]:9951",
	 "address and port of the metrics (" KW_DEFAULT_LISTEN ")"},
	{"allow-remote", 0, NULL, RUN | LIVE, kw_set_allow_remote, "no value",
	 "allow a --listen address that other hosts can reach"},
	{"web-config", 0, "FILE", RUN | LIVE, kw_set_web_config, "a file",
	 "TLS and users of the metrics, in the format of Prometheus' exporters"},
	{"services", 0, "N", RUN | REPORT | TOP, kw_set_services, "a number from 1 to 10000",
	 "number of services with a name of their own (100); the rest is 'other'"},
	{"service-by", 0, "comm|cgroup|container|port", RUN | TRACE | REPORT | TOP, kw_set_service_by,
	 "comm, cgroup, container or port", "source of a server's name (comm)"},
	{"networks", 0, "CIDR=NAME[,...]", RUN | TRACE | REPORT | TOP, kw_set_networks,
	 "networks and their names, such as 10.1.0.0/16=backend", "names for remote networks"},
	{"window", 0, "DURATION", RUN | TOP, kw_set_window, "a duration such as 500ms, 30s or 5m",
	 "time span that findings consider (10m)"},
	{"log-premature", 0, NULL, RUN | LIVE, kw_set_log_premature, "no value",
	 "log one line per premature close and gateway error"},

	{"json", 0, NULL, TRACE | REPORT, kw_set_json, "no value", "print JSON Lines"},
	{"exchanges", 0, NULL, TRACE | RECORD, kw_set_exchanges, "no value",
	 "also print or record each request with its response"},
	{"max-size", 0, "BYTES", RECORD, kw_set_max_size, "a size from 1M on, such as 100M or 2G",
	 "go on in another file when one has this size"},
	{"max-files", 0, "N", RECORD, kw_set_max_files, "a number from 2 to 100",
	 "files that --max-size makes: FILE, FILE.1 ...; then the oldest is written over (10)"},
	{"compress", 0, NULL, RECORD, kw_set_compress, "no value", "compress what is recorded (zstd)"},
	{"tls-server-names", 0, NULL, TRACE | RECORD | LIVE, kw_set_server_names, "no value",
	 "keep the server names that TLS clients send, in records alone"},
	{"premature", 0, NULL, TRACE, kw_set_premature, "no value", "only closes that lost or cut a request"},
	{"reason", 0, "R[,R...]", TRACE, kw_set_reason, "reasons such as stale_reuse",
	 "only closes for these reasons"},
	{"count", 0, "N", TRACE, kw_set_count, "a number from 1 on", "stop after N closes"},
	{"for", 0, "DURATION", TRACE | REPORT | RECORD | LIVE, kw_set_for,
	 "a duration such as 500ms, 30s or 5m", "stop after this time"},
	{"open", 0, NULL, TRACE, kw_set_open, "no value", "at the end, also print the connections still open"},

	{"every", 0, "DURATION", REPORT, kw_set_every, "a duration such as 500ms, 30s or 5m",
	 "print a report every DURATION, each over everything seen so far"},
	{"fail-on", 0, "info|warning|critical", REPORT, kw_set_fail_on, "info, warning or critical",
	 "exit status 4 if a finding is that severe"},
	{"as", 0, "trace|report|metrics", REPLAY, kw_set_as, "trace, report or metrics",
	 "the form in which to show the file (trace); also takes its options"},
	{"pair", 0, NULL, REPLAY, kw_set_pair, "no value",
	 "print both ends of each connection together, and what lies between their hosts"},

	{"once", 0, NULL, TOP, kw_set_once, "no value", "print one screen, without colours, and end"},
	{"interval", 0, "DURATION", TOP, kw_set_interval, "a duration of 1s or more",
	 "time from screen to screen (2s)"},
	{"replay", 0, "FILE", TOP, kw_set_replay, "a file",
	 "play a recorded file at its own pace; with --once, all of it at once"},

	{"help", 'h', NULL, ALL, NULL, "no value", "print usage and options of a command"},
	{"version", 0, NULL, ALL, NULL, "no value", "print the version"},
};

const size_t kw_option_count = ROWS;
_Static_assert(ROWS <= KW_OPTIONS_MAX, "getopt's arrays hold every option");
