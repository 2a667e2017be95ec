/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes names that others choose: paths of cgroups, and names of processes, become names of containers and services that are
 * bounded and safe to print.
 *
 * An input is the name of a process (16 bytes), four bytes of an address, and a path. */
#include <ctype.h>
#include <string.h>

#include "base/sanitize.h"
#include "event/container.h"
#include "event/service.h"
#include "output/metrics/exposition.h"
#include "tests/fuzz/told.h"

#define PATH 1024

/* Cleaning again changes nothing, and neither does less room break a character. */
static void check_clean(const char *text, size_t length)
{
	char clean[PATH], again[PATH];

	for (size_t room = 1; room < sizeof(clean); room = room * 3 + 1) {
		size_t size = kw_sanitize(text, length, clean, room);

		CHECK(size < room && strlen(clean) == size);
		CHECK(kw_sanitize(clean, size, again, sizeof(again)) == size && !strcmp(clean, again));
	}
}

static void check_container(const char *path)
{
	struct kw_container container;

	kw_container_find(path, &container);
	CHECK(strlen(container.id) == 0 || strlen(container.id) == KW_CONTAINER_ID - 1);
	CHECK(strlen(container.pod) < KW_POD_UID);
	for (const char *at = container.id; *at; at++)
		CHECK(isxdigit((unsigned char)*at));
	for (const char *at = container.pod; *at; at++)
		CHECK(isxdigit((unsigned char)*at) || *at == '-');
}

/* All bytes behind the NULs are zero, because the whole is a key. */
static void check_service(const struct kw_service *service)
{
	char labels[4 * KW_SERVICE_NAME] = "";

	for (size_t i = strlen(service->name); i < sizeof(service->name); i++)
		CHECK(!service->name[i]);
	for (size_t i = strlen(service->peer); i < sizeof(service->peer); i++)
		CHECK(!service->peer[i]);
	CHECK(service->name[0]);
	check_printable(service->name);
	kw_exposition_label(labels, sizeof(labels), "service", service->name);
	CHECK(labels[0] && !strchr(labels, '\n'));
}

static void check_services(const struct kw_identity *identity, const char *path)
{
	struct kw_named_network network = {.name = "lan"};
	struct kw_service service;

	CHECK(kw_network_parse("10.0.0.0/8", &network.network) == 0);
	for (int by = 0; by < KW_SERVICE_BY_MAX; by++)
		for (int role = 0; role < KW_ROLE_MAX; role++) {
			struct kw_identity one = *identity;
			struct kw_namer namer = {by, &network, 1};

			one.role = (uint8_t)role;
			kw_service_name(&namer, &one, path, &service);
			check_service(&service);
			kw_service_name(&namer, &one, NULL, &service);
			check_service(&service);
			kw_sanitize_word(service.name);
			CHECK(!strpbrk(service.name, " =\""));
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct kw_identity identity = {.local_port = 80, .remote_port = 65535, .remote = {[10] = 0xff, 0xff}};
	char path[PATH], clean[PATH];

	if (n < KW_COMM + 4 || n - KW_COMM - 4 >= sizeof(path))
		return 0;
	memcpy(identity.comm, data, KW_COMM - 1);
	memcpy(identity.remote + 12, data + KW_COMM, 4);
	memcpy(path, data + KW_COMM + 4, n - KW_COMM - 4);
	path[n - KW_COMM - 4] = '\0';
	check_clean(path, strlen(path));
	check_clean(identity.comm, sizeof(identity.comm));
	kw_sanitize(path, sizeof(path), clean, sizeof(clean)); /* as a path is when it is read */
	check_container(path);
	check_services(&identity, clean);
	return 0;
}
