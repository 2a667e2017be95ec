/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/address.h"
#include "base/sanitize.h"
#include "events.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct kw_service named(const struct kw_namer *namer, const struct kw_identity *identity,
			       const char *cgroup)
{
	struct kw_service service;

	memset(&service, 0xee, sizeof(service)); /* what was there before must not show */
	kw_service_name(namer, identity, cgroup, &service);
	return service;
}

static struct kw_identity client(const char *remote, uint16_t port)
{
	struct kw_identity identity = event_connection().identity;

	identity.role = KW_ROLE_CLIENT;
	event_address(identity.remote, remote);
	identity.remote_port = port;
	return identity;
}

static void a_server_is_named_as_asked(void **state)
{
	static const char docker[] = "/system.slice/docker-" ID ".scope";
	const struct {
		enum kw_service_by by;
		const char *cgroup, *name;
	} rows[] = {
		{KW_SERVICE_BY_COMM, "/a", "nginx:8080"},
		{KW_SERVICE_BY_COMM, NULL, "nginx:8080"},
		{KW_SERVICE_BY_PORT, "/a", "8080"},
		{KW_SERVICE_BY_CGROUP, "/system.slice/nginx.service", "/system.slice/nginx.service:8080"},
		{KW_SERVICE_BY_CGROUP, NULL, "nginx:8080"},
		{KW_SERVICE_BY_CONTAINER, docker, "0123456789ab:8080"},
		{KW_SERVICE_BY_CONTAINER, "/system.slice/nginx.service", "nginx:8080"},
		{KW_SERVICE_BY_CONTAINER, NULL, "nginx:8080"},
	};
	struct kw_identity identity = event_connection().identity;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_namer namer = {.by = rows[i].by};

		assert_string_equal(named(&namer, &identity, rows[i].cgroup).name, rows[i].name);
	}
}

static void a_client_is_named_by_what_it_calls(void **state)
{
	struct kw_named_network networks[2] = {{.name = "backend"}, {.name = "lan"}};
	struct kw_namer none = {0}, some = {.networks = networks, .network_count = 2};
	struct kw_identity v4 = client("10.0.0.7", 3000), v6 = client("::1", 80), far = client("192.0.2.1", 80);

	(void)state;
	assert_int_equal(kw_network_parse("10.0.0.0/24", &networks[0].network), 0);
	assert_int_equal(kw_network_parse("10.0.0.0/8", &networks[1].network), 0);
	assert_string_equal(named(&none, &v4, NULL).name, "10.0.0.7:3000");
	assert_string_equal(named(&none, &v6, NULL).name, "[::1]:80");
	assert_string_equal(named(&some, &v4, NULL).name, "backend:3000"); /* the first that fits */
	assert_string_equal(named(&some, &far, NULL).name, "192.0.2.1:80");
	assert_string_equal(named(&some, &v4, NULL).peer, "");
}

static void a_server_tells_its_peers_network_apart(void **state)
{
	struct kw_named_network network = {.name = "office"};
	struct kw_namer namer = {.networks = &network, .network_count = 1};
	struct kw_identity identity = event_connection().identity;

	(void)state;
	assert_int_equal(kw_network_parse("10.0.0.9", &network.network), 0);
	assert_string_equal(named(&namer, &identity, NULL).name, "nginx:8080");
	assert_string_equal(named(&namer, &identity, NULL).peer, "office");
	event_address(identity.remote, "10.0.0.10");
	assert_string_equal(named(&namer, &identity, NULL).peer, "");
}

static void equal_names_are_equal_keys(void **state)
{
	struct kw_namer namer = {0};
	struct kw_identity one = event_connection().identity, other = one;
	struct kw_service a, b;

	(void)state;
	memcpy(other.comm, "nginx\0rubbish", 14); /* what stands behind the NUL means nothing */
	a = named(&namer, &one, NULL);
	b = named(&namer, &other, NULL);
	assert_memory_equal(&a, &b, sizeof(a));
	other.role = KW_ROLE_UNKNOWN;
	b = named(&namer, &other, NULL);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void an_unknown_owner_has_a_name_too(void **state)
{
	struct kw_namer namer = {0};
	struct kw_identity identity = event_connection().identity;

	(void)state;
	memset(identity.comm, 0, sizeof(identity.comm));
	assert_string_equal(named(&namer, &identity, NULL).name, "?:8080");
}

static void hostile_names_become_harmless(void **state)
{
	struct kw_namer namer = {0};
	struct kw_identity identity = event_connection().identity;
	char cgroup[4096];

	(void)state;
	memcpy(identity.comm, "\033[31m\n\"\\\377\302\205xxxxx", KW_COMM); /* fills it: no NUL */
	assert_string_equal(named(&namer, &identity, NULL).name, "?[31m?\"\\???xxxxx:8080");
	memset(cgroup, 'g', sizeof(cgroup) - 1);
	cgroup[sizeof(cgroup) - 1] = '\0';
	namer.by = KW_SERVICE_BY_CGROUP;
	assert_in_range(strlen(named(&namer, &identity, cgroup).name), 100, KW_SERVICE_NAME - 1);
}

static void text_is_cut_between_characters(void **state)
{
	const struct {
		const char *text;
		size_t size;
		const char *clean;
	} rows[] = {
		{"abc", 10, "abc"},
		{"abc", 3, "ab"},
		{"abc", 1, ""},
		{"gr\303\274n", 10, "gr\303\274n"},
		{"gr\303\274n", 4, "gr"},
		{"\303", 10, "?"},                /* cut off by the kernel */
		{"\300\257", 10, "??"},           /* overlong */
		{"\355\240\200", 10, "???"},      /* a surrogate */
		{"\364\220\200\200", 10, "????"}, /* beyond Unicode */
		{"\360\237\230\200", 10, "\360\237\230\200"},
		/* Would turn the line around. NOLINTNEXTLINE(misc-misleading-bidirectional) */
		{"a\342\200\256b", 10, "a???b"},
		{"\177\t\r\n", 10, "????"},
	};
	char clean[16];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t length = kw_sanitize(rows[i].text, strlen(rows[i].text), clean, rows[i].size);

		assert_string_equal(clean, rows[i].clean);
		assert_int_equal(length, strlen(rows[i].clean));
	}
}

static void networks_are_read_or_refused(void **state)
{
	static const char *const bad[] = {"",          "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129",
					  "10.0.0.0/", "x",           "10.0.0.0/8x", "/8",       "10.0.0.0/ 8"};
	const struct {
		const char *network, *inside, *outside;
	} good[] = {
		{"10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
		{"10.1.2.3/8", "10.255.0.1", "11.0.0.1"}, /* bits beyond the mask do not matter */
		{"192.0.2.128/25", "192.0.2.129", "192.0.2.127"},
		{"192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"0.0.0.0/0", "8.8.8.8", "::1"},
		{"fd00::/8", "fd12::1", "fe80::1"},
		{"::/0", "8.8.8.8", NULL}, /* IPv4 is mapped into it */
	};
	struct kw_network network;
	uint8_t address[16];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kw_network_parse(bad[i], &network), -EINVAL);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(kw_network_parse(good[i].network, &network), 0);
		event_address(address, good[i].inside);
		assert_true(kw_network_contains(&network, address));
		if (!good[i].outside)
			continue;
		event_address(address, good[i].outside);
		assert_false(kw_network_contains(&network, address));
	}
}

static void endpoints_are_read_or_refused(void **state)
{
	static const char *const bad[] = {
		"",      ":80",     "127.0.0.1",      "127.0.0.1:", "127.0.0.1:65536", "::1:80",    "[::1]",
		"[]:80", "[::1:80", "[127.0.0.1]:80", "[::1]80",    "localhost:80",    "1.2.3.4:8x"};
	struct sockaddr_storage address;
	socklen_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kw_endpoint_parse(bad[i], &address, &length), -EINVAL);
	assert_int_equal(kw_endpoint_parse("127.0.0.2:0", &address, &length), 0);
	assert_true(kw_endpoint_is_loopback(&address));
	assert_int_equal(kw_endpoint_parse("[::1]:9951", &address, &length), 0);
	assert_true(kw_endpoint_is_loopback(&address));
	assert_int_equal(kw_endpoint_parse("0.0.0.0:1", &address, &length), 0);
	assert_false(kw_endpoint_is_loopback(&address));
	assert_int_equal(kw_endpoint_parse("[::]:1", &address, &length), 0);
	assert_false(kw_endpoint_is_loopback(&address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_named_as_asked),
		cmocka_unit_test(a_client_is_named_by_what_it_calls),
		cmocka_unit_test(a_server_tells_its_peers_network_apart),
		cmocka_unit_test(equal_names_are_equal_keys),
		cmocka_unit_test(an_unknown_owner_has_a_name_too),
		cmocka_unit_test(hostile_names_become_harmless),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(networks_are_read_or_refused),
		cmocka_unit_test(endpoints_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
