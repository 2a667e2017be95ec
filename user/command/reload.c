/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/reload.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "command/parse.h"

/* Options that are built into what runs: the kernel side, the socket, and the names that counters have. */
#define FIELD(name, field)                                                                                     \
	{                                                                                                      \
		name, offsetof(struct kw_options, field), sizeof(((struct kw_options *)0)->field)              \
	}
static const struct fixed {
	const char *name;
	size_t offset;
	size_t size;
} fixed[] = {
	FIELD("ring-size", ring_size),
	FIELD("front-end", front_end),
	FIELD("service-by", namer.by),
};

#define NAMES 256

/* Adds to the list unless it stands at its end already. */
static void add_name(char names[NAMES], const char *name)
{
	size_t used = strlen(names), length = strlen(name);

	if (used >= length && strcmp(names + used - length, name) == 0)
		return;
	snprintf(names + used, NAMES - used, "%s%s", used ? ", " : "", name);
}

static bool same_networks(const struct kw_namer *a, const struct kw_namer *b)
{
	if (a->network_count != b->network_count)
		return false;
	return a->network_count == 0 ||
	       memcmp(a->networks, b->networks, a->network_count * sizeof(*a->networks)) == 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void compare(const struct kw_options *a, const struct kw_options *b, char ret_names[NAMES])
{
	ret_names[0] = '\0';
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (memcmp((const char *)a + fixed[i].offset, (const char *)b + fixed[i].offset,
			   fixed[i].size) != 0)
			add_name(ret_names, fixed[i].name);
	if (!same_networks(&a->namer, &b->namer))
		add_name(ret_names, "networks");
	if (!same_text(a->listen, b->listen))
		add_name(ret_names, "listen");
	if (a->tls != b->tls)
		add_name(ret_names, "tls");
	if (!same_text(a->btf, b->btf))
		add_name(ret_names, "btf");
}

int kw_reload(const struct kw_options *running, struct kw_options *ret_options)
{
	struct kw_options options;
	char names[NAMES];
	int r = kw_options_parse(running->argc, running->argv, &options);

	if (r < 0)
		return kw_log_error(r, "the configuration stays as it was");
	compare(running, &options, names);
	if (names[0])
		kw_log(KW_LOG_WARNING, "these options change only with a restart: %s", names);
	*ret_options = options;
	return 0;
}
