/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sanitize.h"

#define FILE_NAME 64

/* Adds the name of the file, because the host's name alone does not distinguish it. */
static void add_file_name(struct kw_recorded_host *host, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char clean[FILE_NAME];

	kw_sanitize(name, strlen(name) + 1, clean, sizeof(clean));
	snprintf(host->label, sizeof(host->label), "%s/%s", host->header.host, clean);
}

static void name_hosts(struct kw_recorded_hosts *hosts, const char *const *paths)
{
	for (size_t i = 0; i < hosts->count; i++) {
		struct kw_recorded_host *host = &hosts->list[i];

		snprintf(host->label, sizeof(host->label), "%s", host->header.host);
		for (size_t j = 0; j < hosts->count; j++)
			if (j != i && strcmp(host->header.host, hosts->list[j].header.host) == 0)
				add_file_name(host, paths[i]);
	}
}

int kw_recorded_hosts_open(struct kw_recorded_hosts *hosts, const char *const *paths, size_t count)
{
	*hosts = (struct kw_recorded_hosts){.list = calloc(count, sizeof(*hosts->list))};
	if (!hosts->list)
		return kw_log_error(-ENOMEM, "out of memory");
	while (hosts->count < count) {
		struct kw_recorded_host *host = &hosts->list[hosts->count];
		int r = kw_player_open(&host->player, paths[hosts->count], &host->header);

		if (r < 0) {
			kw_recorded_hosts_close(hosts);
			return r;
		}
		host->shift = host->header.clock.offset;
		hosts->count++;
	}
	name_hosts(hosts, paths);
	return 0;
}

/* Makes sure that the host's next event is known, or that there is none. */
static int fetch(struct kw_recorded_hosts *hosts, struct kw_recorded_host *host)
{
	int r;

	if (host->waiting || host->over)
		return 0;
	r = kw_player_fetch(&host->player);
	host->waiting = r > 0;
	host->over = r <= 0;
	if (r == -EBADMSG)
		hosts->damage = r;
	return r < 0 && r != -EBADMSG ? r : 0;
}

static int64_t time_of(const struct kw_recorded_host *host)
{
	return (int64_t)kw_player_time(&host->player) + host->shift;
}

/* The number of the host whose event is the oldest; the count of hosts at the end of all. */
static int find_next(struct kw_recorded_hosts *hosts, size_t *ret_next)
{
	size_t next = hosts->count;
	int r;

	for (size_t i = 0; i < hosts->count; i++) {
		r = fetch(hosts, &hosts->list[i]);
		if (r < 0)
			return r;
		if (hosts->list[i].waiting &&
		    (next == hosts->count || time_of(&hosts->list[i]) < time_of(&hosts->list[next])))
			next = i;
	}
	*ret_next = next;
	return 0;
}

static int feed(struct kw_recorded_hosts *hosts, struct kw_recorded_host *host, const struct kw_sink *sink)
{
	int r = kw_player_feed(&host->player, sink);

	host->waiting = false;
	if (r != -EBADMSG)
		return r;
	host->over = true;
	hosts->damage = r;
	return 0;
}

int kw_recorded_hosts_play(struct kw_recorded_hosts *hosts, const struct kw_sink *sinks)
{
	size_t next;
	int r;

	while ((r = find_next(hosts, &next)) == 0 && next < hosts->count) {
		r = feed(hosts, &hosts->list[next], &sinks[next]);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return r < 0 ? r : hosts->damage;
}

void kw_recorded_hosts_close(struct kw_recorded_hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		kw_player_close(&hosts->list[i].player);
	free(hosts->list);
	*hosts = (struct kw_recorded_hosts){0};
}
