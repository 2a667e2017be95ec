/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/container.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ID 64         /* hexadecimal digits of a container's id */
#define UID 36        /* characters of a pod's uid, separators included */
#define STATIC_UID 32 /* digits of the uid of a static pod (one that comes from a file), which is a hash */
#define DIGITS "0123456789abcdef"

/* One name within a path. */
struct part {
	const char *text;
	size_t length;
};

/* Prefixes of the id, by runtime. A monitor, such as libpod-conmon-ID.scope, is not part of its container. */
static const struct {
	const char *prefix, *runtime;
} runtimes[] = {
	{"docker", "docker"}, {"cri-containerd", "containerd"}, {"nerdctl", "containerd"}, {"crio", "cri-o"},
	{"libpod", "podman"}, {"libpod-payload", "podman"},
};

static bool is(struct part part, const char *text)
{
	return part.length == strlen(text) && memcmp(part.text, text, part.length) == 0;
}

static void cut_suffix(struct part *part, const char *suffix)
{
	size_t length = strlen(suffix);

	if (part->length > length && memcmp(part->text + part->length - length, suffix, length) == 0)
		part->length -= length;
}

static bool are_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!text[i] || !strchr(DIGITS, text[i]))
			return false;
	return true;
}

static bool find_runtime(struct part prefix, const char **ret_runtime)
{
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (is(prefix, runtimes[i].prefix)) {
			*ret_runtime = runtimes[i].runtime;
			return true;
		}
	return false;
}

/* Reads ID, RUNTIME-ID or RUNTIME-ID.scope. For an id alone, the part before it may name the runtime. */
static bool read_container(struct part part, struct part before, struct kw_container *container)
{
	const char *runtime = NULL, *id;

	if (part.length == ID) {
		find_runtime(before, &runtime);
	} else {
		cut_suffix(&part, ".scope");
		if (part.length < ID + 2 || part.text[part.length - ID - 1] != '-' ||
		    !find_runtime((struct part){part.text, part.length - ID - 1}, &runtime))
			return false;
	}
	id = part.text + part.length - ID;
	if (!are_digits(id, ID))
		return false;
	memcpy(container->id, id, sizeof(container->id) - 1);
	container->runtime = runtime;
	return true;
}

/* 8-4-4-4-12 digits, separated by '-', or under systemd, where '-' means a level, by '_'. */
static bool is_uid(struct part uid)
{
	if (uid.length == STATIC_UID)
		return are_digits(uid.text, STATIC_UID);
	if (uid.length != UID || (uid.text[8] != '-' && uid.text[8] != '_'))
		return false;
	for (size_t i = 0; i < UID; i++) {
		bool separator = i == 8 || i == 13 || i == 18 || i == 23;

		if (separator ? uid.text[i] != uid.text[8] : !are_digits(uid.text + i, 1))
			return false;
	}
	return true;
}

/* podUID, or under systemd kubepods-podUID.slice, kubepods-burstable-podUID.slice and the like. */
static bool read_pod(struct part part, struct kw_container *container)
{
	static const size_t lengths[] = {UID, STATIC_UID};

	cut_suffix(&part, ".slice");
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t length = lengths[i];
		const char *uid = part.text + part.length - length;

		if (part.length < length + 3 || memcmp(uid - 3, "pod", 3) != 0 ||
		    (part.length > length + 3 && uid[-4] != '-') || !is_uid((struct part){uid, length}))
			continue;
		memset(container, 0,
		       sizeof(*container)); /* a container earlier in the path is the one that this pod runs in, as with Kubernetes in Docker */
		for (size_t k = 0; k < length; k++)
			container->pod[k] = uid[k] == '_' ? '-' : uid[k];
		return true;
	}
	return false;
}

void kw_container_find(const char *cgroup, struct kw_container *ret_container)
{
	struct kw_container container = {.runtime = NULL};
	struct part before = {"", 0};

	while (cgroup && *cgroup) {
		struct part part = {cgroup, strcspn(cgroup, "/:")};

		if (!read_pod(part, &container))
			read_container(part, before, &container);
		before = part;
		cgroup += part.length;
		if (*cgroup)
			cgroup++;
	}
	*ret_container = container;
}
