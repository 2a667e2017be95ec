/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's own voice: one line a message, on standard error, begun by "keepwatch: ", and before that by its priority
 * if standard error is the journal. Standard output carries data only and is never written to from here. */
#ifndef KEEPWATCH_LOG_H
#define KEEPWATCH_LOG_H

enum kw_log_level {
	KW_LOG_ERROR,   /* what ends the program or spoils its output; always shown */
	KW_LOG_WARNING, /* shown unless -q */
	KW_LOG_NOTICE,  /* what a script may wait for, such as "observing"; always shown */
	KW_LOG_INFO,    /* shown unless -q */
	KW_LOG_DEBUG,   /* shown with -v; libbpf's messages are in here, but for the verifier's log */
};

/* Sets which levels are shown. @verbosity: below 0 quiet, 0 normal, above 0 everything. Messages of libbpf come here
 * from then on; when the kernel refuses a BPF program, the last lines of the verifier's log are logged as errors, because
 * the reason stands there. */
void kw_log_open(int verbosity);

/* Writes one line of at most 1024 bytes. Line feeds and tabs within it become spaces, and whatever a terminal would obey or
 * not understand becomes '?' (see sanitize.h), so that callers may quote text of others. Does not change errno. */
void kw_log(enum kw_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define KW_LOG_HELD 64 /* lines that are held back at most; of more, the latest */

/* From now on keeps lines back instead of writing them, because the terminal on which they would appear shows a screen; where
 * standard error is no terminal, they are written as ever. Notices are dropped. */
void kw_log_hold(void);

/* The latest line that is held back, without its line feed; NULL: none is. Valid until the next line. */
const char *kw_log_held(void);

/* Writes the lines that were held back, in their order; from now on lines are written at once again. */
void kw_log_release(void);

/* Writes an error line and is @result, an int, so that failing is one statement. A macro, so that those who check the
 * code see what comes of it. */
#define kw_log_error(result, ...)                                                                              \
	({                                                                                                     \
		kw_log(KW_LOG_ERROR, __VA_ARGS__);                                                             \
		(result);                                                                                      \
	})

#endif
