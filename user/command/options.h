/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line and the configuration file, read into one structure. Both know the same names: they stand
 * in one table. The command line wins over the file; lists from both count. */
#ifndef KEEPWATCH_OPTIONS_H
#define KEEPWATCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "event/service.h"
#include "finding/severity.h"
#include "include/event.h"
#include "observe/front_end.h"

enum kw_command {
	KW_COMMAND_RUN,
	KW_COMMAND_TRACE,
	KW_COMMAND_REPORT,
	KW_COMMAND_RECORD,
	KW_COMMAND_REPLAY,
	KW_COMMAND_CHECK,
	KW_COMMAND_EXPLAIN,
	KW_COMMAND_TOP,
	KW_COMMAND_HELP,    /* help, or --help */
	KW_COMMAND_VERSION, /* --version */
	KW_COMMAND_MAX,
};

struct kw_options {
	enum kw_command command;
	int argc; /* as they were given, to be read again */
	char **argv;
	const char *config;          /* the file that was read last; of argv; NULL if there is none */
	int verbosity;               /* -1 quiet, 0 normal, 1 verbose */
	struct kw_config filter;     /* what the kernel side is told, its ports, process and network filters */
	uint32_t ring_size;          /* bytes; a power of two and a multiple of the page size */
	enum kw_front_end front_end; /* how to see what is sent and received */
	bool tls;                    /* read plaintext from TLS libraries */
	char *btf;                   /* a file with the kernel's types; owned; NULL: as the kernel shows them */

	/* run */
	char *listen;             /* ADDRESS:PORT as given; owned */
	const char *listen_file;  /* the file that says so; of argv; NULL: the command line does, or nobody */
	unsigned int listen_line; /* of it */
	struct sockaddr_storage listen_address;
	socklen_t listen_length;
	bool allow_remote;
	char *web_config; /* a file with TLS and users of the metrics; owned; NULL: none */
	uint64_t window;  /* ns */
	bool log_premature;

	/* whatever names services */
	uint32_t services; /* how many services are told apart, 1 or more */
	struct kw_namer namer;

	/* trace, report, record */
	bool json;
	uint64_t duration; /* ns; 0 means until a signal */

	/* trace */
	bool premature;
	bool open;
	uint64_t reasons; /* 1 << enum kw_reason, and 1 << (KW_REASON_MAX + enum kw_path_reason); 0 means all */
	uint64_t count;   /* 0 means no limit */

	/* report */
	uint64_t every;           /* ns; 0 means once, at the end */
	enum kw_severity fail_on; /* KW_SEVERITY_MAX: never */

	/* top */
	bool once;         /* print one screen */
	uint64_t interval; /* ns from screen to screen */
	char *replay;      /* a recording to be played; owned; NULL: this host */

	/* explain */
	const char *topic; /* a reason or a finding, perhaps; an argument of the program; NULL: all */

	/* help */
	enum kw_command help_for; /* KW_COMMAND_HELP: all commands */

	/* record, replay */
	char *file;        /* owned; NULL for other commands */
	char **more_files; /* replay: the files behind the first; of argv */
	size_t more_file_count;
	bool pair;                 /* replay as trace: print both ends of a connection together */
	enum kw_command replay_as; /* trace, report, or run: the metrics */
	uint64_t max_size;         /* bytes of a file of a set; 0: one file, of any size */
	unsigned int max_files;    /* of a set; 0: not given */
	bool compress;
};

#endif
