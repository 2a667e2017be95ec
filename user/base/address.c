/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 96

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

void kw_endpoint_print(const uint8_t address[KW_ADDRESS], uint16_t port, char ret_text[KW_ENDPOINT_TEXT])
{
	char text[INET6_ADDRSTRLEN] = "";

	if (memcmp(address, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, address + sizeof(mapped), text, sizeof(text));
		snprintf(ret_text, KW_ENDPOINT_TEXT, "%s:%u", text, port);
	} else {
		inet_ntop(AF_INET6, address, text, sizeof(text));
		snprintf(ret_text, KW_ENDPOINT_TEXT, "[%s]:%u", text, port);
	}
}

/* Reads an IPv4 or IPv6 address; *ret_bits is how many bits of the 16 bytes the family fixes: 96 or 0. */
static int address_parse(const char *text, uint8_t ret_address[KW_ADDRESS], unsigned int *ret_bits)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		memcpy(ret_address, mapped, sizeof(mapped));
		memcpy(ret_address + sizeof(mapped), &v4, sizeof(v4));
		*ret_bits = 96;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		memcpy(ret_address, &v6, sizeof(v6));
		*ret_bits = 0;
		return 0;
	}
	return -EINVAL;
}

static int number_parse(const char *text, unsigned long most, unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || number > most)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int kw_network_parse(const char *text, struct kw_network *ret_network)
{
	struct kw_network network = {0};
	unsigned long bits;
	unsigned int fixed;
	char copy[TEXT_MAX];
	char *slash;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (address_parse(copy, network.address, &fixed) < 0)
		return -EINVAL;
	bits = 128 - fixed;
	if (slash && number_parse(slash + 1, 128 - fixed, &bits) < 0)
		return -EINVAL;
	bits += fixed;
	for (unsigned int i = 0; i < KW_ADDRESS; i++) {
		unsigned int in_byte = bits > i * 8 ? bits - i * 8 : 0;

		network.mask[i] = in_byte >= 8 ? 0xff : (uint8_t)(0xff << (8 - in_byte));
		network.address[i] &= network.mask[i];
	}
	*ret_network = network;
	return 0;
}

bool kw_network_contains(const struct kw_network *network, const uint8_t address[KW_ADDRESS])
{
	for (unsigned int i = 0; i < KW_ADDRESS; i++)
		if ((address[i] & network->mask[i]) != network->address[i])
			return false;
	return true;
}

static void endpoint_fill(const uint8_t address[KW_ADDRESS], unsigned int fixed, uint16_t port,
			  struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (fixed) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, address + sizeof(mapped), sizeof(v4->sin_addr));
		*ret_length = sizeof(*v4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, address, sizeof(v6->sin6_addr));
		*ret_length = sizeof(*v6);
	}
}

int kw_endpoint_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
	uint8_t address[KW_ADDRESS];
	char copy[TEXT_MAX];
	char *host = copy;
	char *colon;
	unsigned int fixed;
	unsigned long port;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	colon = strrchr(copy, ':');
	if (!colon || number_parse(colon + 1, 65535, &port) < 0)
		return -EINVAL;
	*colon = '\0';
	if (host[0] == '[') {
		if (colon == host + 1 || colon[-1] != ']')
			return -EINVAL;
		colon[-1] = '\0';
		host++;
	}
	/* Without brackets it would be unclear where an IPv6 address ends. */
	if (address_parse(host, address, &fixed) < 0 || (fixed == 0) != (host != copy))
		return -EINVAL;
	endpoint_fill(address, fixed, (uint16_t)port, ret_address, ret_length);
	return 0;
}

bool kw_endpoint_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}
