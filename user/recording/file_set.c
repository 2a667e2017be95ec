/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/file_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

char *kw_recording_name(const char *path, unsigned int number)
{
	char *name;

	if (number == 0)
		return strdup(path);
	return asprintf(&name, "%s.%u", path, number) < 0 ? NULL : name;
}

/* Takes ownership of @path. */
static void add(struct kw_file_set *set, char *path, uint32_t part)
{
	unsigned int at = set->count++;

	for (; at > 0 && set->parts[at - 1].part > part; at--)
		set->parts[at] = set->parts[at - 1];
	set->parts[at] = (struct kw_file_set_part){path, part};
}

static bool is_unused(const char *path)
{
	struct stat about;

	return stat(path, &about) < 0 ? errno == ENOENT : about.st_size == 0;
}

/* Adds the file with this number, if it is one of the set. */
static int consider(struct kw_file_set *set, const char *path, unsigned int number,
		    const struct kw_recording_set *wanted)
{
	_cleanup_(kw_recording_closep) struct kw_recording_reader *reader = NULL;
	struct kw_recording_header header;
	char *name = kw_recording_name(path, number);

	if (!name)
		return kw_log_error(-ENOMEM, "out of memory");
	if (is_unused(name)) {
		free(name);
		return 0;
	}
	if (kw_recording_open(name, &reader, &header) < 0)
		set->damaged = true;
	else if (header.set.begun == wanted->begun && header.set.files == wanted->files) {
		add(set, name, header.set.part);
		return 0;
	}
	free(name);
	return 0;
}

/* A part that was deleted, or that is damaged, leaves a gap; those before the first one were written over. */
static void say_gaps(const struct kw_file_set *set, const char *path)
{
	for (unsigned int i = 1; i < set->count; i++)
		if (set->parts[i].part != set->parts[i - 1].part + 1)
			kw_log(KW_LOG_WARNING, "%s: the parts between %u and %u are missing", path,
			       set->parts[i - 1].part, set->parts[i].part);
}

int kw_file_set_open(struct kw_file_set *set, const char *path)
{
	_cleanup_(kw_recording_closep) struct kw_recording_reader *reader = NULL;
	struct kw_recording_header header;
	int r = kw_recording_open(path, &reader, &header);

	*set = (struct kw_file_set){0};
	if (r == 0)
		r = consider(set, path, 0, &header.set);
	for (unsigned int i = 1; i < header.set.files && r == 0; i++)
		r = consider(set, path, i, &header.set);
	if (r < 0)
		kw_file_set_close(set);
	else
		say_gaps(set, path);
	return r;
}

void kw_file_set_close(struct kw_file_set *set)
{
	for (unsigned int i = 0; i < set->count; i++)
		free(set->parts[i].path);
	set->count = 0;
}
