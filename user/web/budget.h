/* SPDX-License-Identifier: BSD-2-Clause */
/* A budget of processor time for work that clients cause and that is expensive on purpose, such as TLS handshakes and
 * checks of passwords. All clients together have a share of the time, and each source address a share of its own, so that
 * one address cannot use up the other's. A share may be used ahead by a burst. */
#ifndef KEEPWATCH_WEB_BUDGET_H
#define KEEPWATCH_WEB_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/address.h"

#define KW_BUDGET_ADDRESSES 256 /* so many are known at a time; the one that owes least is forgotten */

/* Whom the time is charged to: an IPv4 address, or the first 64 bits of an IPv6 address, because a host has at least
 * those to itself. */
struct kw_source_address {
	uint8_t bytes[KW_ADDRESS];
};

/* A part of all time, and how far it may be used ahead. */
struct kw_share {
	unsigned int part; /* one in so many */
	uint64_t burst;    /* ns of work */
};

/* Begins with all zeros but for the first two fields. */
struct kw_budget {
	struct kw_share together;
	struct kw_share each;
	uint64_t paid; /* monotonic ns at which all work so far will be down to its share */
	struct kw_budget_entry {
		struct kw_source_address address;
		uint64_t paid; /* the same of the work for this address; 0: the entry is free */
	} entries[KW_BUDGET_ADDRESSES];
};

struct kw_source_address kw_source_address_of(const struct sockaddr_storage *address);
bool kw_source_address_equal(const struct kw_source_address *a, const struct kw_source_address *b);

/* Whether all clients together have time left at @now (monotonic ns). */
bool kw_budget_has_time(const struct kw_budget *budget, uint64_t now);

/* How far this address has used its share ahead, in ns of its own share. */
uint64_t kw_budget_owed(const struct kw_budget *budget, const struct kw_source_address *address, uint64_t now);

/* Whether work for this address may be done at @now: it has time left, and all together have. */
bool kw_budget_allows(const struct kw_budget *budget, const struct kw_source_address *address, uint64_t now);

/* Charges @spent ns of work to this address. */
void kw_budget_charge(struct kw_budget *budget, const struct kw_source_address *address, uint64_t now,
		      uint64_t spent);

#endif
