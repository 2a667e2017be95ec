/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/check_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/sanitize.h"
#include "observe/tls/libraries.h"
#include "observe/tls/others.h"
#include "observe/tls/probes.h"

/* A file is looked into once, because many processes map it. */
struct verdict {
	struct kw_file_id id;
	int result;        /* of kw_probes_of() */
	const char *other; /* see kw_tls_other() */
	UT_hash_handle hh;
};

static const struct verdict *judge(struct verdict **verdicts, const struct kw_tls_library *library)
{
	struct kw_probes probes;
	struct verdict *verdict;

	HASH_FIND(hh, *verdicts, &library->id, sizeof(library->id), verdict);
	if (verdict)
		return verdict;
	verdict = calloc(1, sizeof(*verdict));
	if (!verdict)
		return NULL;
	verdict->id = library->id;
	verdict->result = kw_probes_of(library, &probes);
	if (verdict->result == -ENOENT)
		verdict->other = kw_tls_other(library);
	HASH_ADD(hh, *verdicts, id, sizeof(verdict->id), verdict);
	return verdict;
}

/* A kw_tls_library_fn. */
static void on_library(void *context, const struct kw_tls_library *library)
{
	const struct verdict *verdict = judge(context, library);
	char path[512], process[32];

	if (!verdict || verdict->result == -ENOEXEC || (verdict->result == -ENOENT && !verdict->other))
		return;
	kw_sanitize(library->path, strlen(library->path), path, sizeof(path));
	snprintf(process, sizeof(process), library->pid ? "process %d" : "this host's", (int)library->pid);
	printf("%-8s %s (%s): ", "library", path, process);
	if (verdict->other)
		printf("would get no probes, because its TLS is not known inside: %s\n", verdict->other);
	else if (verdict->result < 0)
		printf("would get no probes, because %s\n", kw_probes_refusal(verdict->result));
	else
		printf("would get probes\n");
}

static void on_process(void *context, pid_t pid)
{
	if (pid == getpid())
		return;
	kw_tls_libraries_of(pid, on_library, context);
}

void kw_check_tls(void)
{
	struct verdict *verdicts = NULL, *verdict, *next;

	printf("%-8s --tls with %s\n", "tried", KW_PROBES_TRIED);
	kw_tls_libraries_of_host(on_library, &verdicts);
	kw_tls_processes(on_process, &verdicts);
	HASH_ITER (hh, verdicts, verdict, next) {
		HASH_DEL(verdicts, verdict);
		free(verdict);
	}
}
