/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the file of --config: it is refused, or gives options within their bounds.
 *
 * An input is a byte that chooses the command, and the file. */
#include <string.h>

#include "command/parse.h"
#include "tests/fuzz/check.h"

#define WINDOW_MOST (366 * 24 * 3600 * KW_S)

static void check_networks(const struct kw_namer *namer)
{
	for (size_t i = 0; i < namer->network_count; i++) {
		const struct kw_named_network *named = &namer->networks[i];

		CHECK(named->name[0] && memchr(named->name, '\0', sizeof(named->name)));
		CHECK(kw_network_contains(&named->network, named->network.address));
	}
}

static void check_options(const struct kw_options *options)
{
	const struct kw_config *filter = &options->filter;

	CHECK(filter->port_count <= KW_PORTS && filter->role < KW_ROLE_MAX);
	for (uint32_t i = 0; i < filter->port_count; i++)
		CHECK(filter->ports[i]);
	CHECK(memchr(filter->comm, '\0', sizeof(filter->comm)));
	CHECK(options->ring_size && !(options->ring_size & (options->ring_size - 1)));
	CHECK(options->services >= 1 && options->window <= WINDOW_MOST && options->duration <= WINDOW_MOST &&
	      options->every <= WINDOW_MOST);
	CHECK(options->namer.by < KW_SERVICE_BY_MAX && options->fail_on <= KW_SEVERITY_MAX);
	CHECK(options->listen && options->listen_length);
	CHECK(kw_endpoint_is_loopback(&options->listen_address) || options->allow_remote);
	check_networks(&options->namer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const commands[] = {"run", "trace", "report", "check"};
	char *argv[] = {(char *)"keepwatch", NULL, (char *)"--config", NULL, NULL};
	struct kw_options options;

	if (!n)
		return 0;
	argv[1] = (char *)commands[data[0] % 4];
	argv[3] = (char *)fuzz_file(data + 1, n - 1);
	if (kw_options_parse(4, argv, &options) < 0)
		return 0;
	check_options(&options);
	kw_options_free(&options);
	return 0;
}
