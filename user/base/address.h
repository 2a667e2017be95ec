/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, endpoints and networks. An address is 16 bytes in network order: IPv6, or IPv4 mapped into it. */
#ifndef KEEPWATCH_ADDRESS_H
#define KEEPWATCH_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define KW_ADDRESS 16
#define KW_ENDPOINT_TEXT 64 /* enough for "[v6 address]:65535" and its NUL */

struct kw_network {
	uint8_t address[KW_ADDRESS]; /* bits beyond the mask are zero */
	uint8_t mask[KW_ADDRESS];
};

/* "10.0.0.5:80" or "[::1]:80"; an IPv4-mapped address prints as IPv4. @port in host order. */
void kw_endpoint_print(const uint8_t address[KW_ADDRESS], uint16_t port, char ret_text[KW_ENDPOINT_TEXT]);

/* Reads ADDRESS or ADDRESS/BITS, IPv4 or IPv6; without BITS one address. -EINVAL if it is neither. */
int kw_network_parse(const char *text, struct kw_network *ret_network);

bool kw_network_contains(const struct kw_network *network, const uint8_t address[KW_ADDRESS]);

/* Reads ADDRESS:PORT, [ADDRESS]:PORT; port 0 lets the kernel choose. -EINVAL if it is neither. */
int kw_endpoint_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_length);

bool kw_endpoint_is_loopback(const struct sockaddr_storage *address);

#endif
