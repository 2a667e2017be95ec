/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/budget.h"

#include <netinet/in.h>
#include <string.h>

#define V6_PREFIX 8 /* bytes */

struct kw_source_address kw_source_address_of(const struct sockaddr_storage *address)
{
	struct kw_source_address source = {0};

	if (address->ss_family == AF_INET) {
		source.bytes[10] = source.bytes[11] = 0xff;
		memcpy(source.bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		memcpy(source.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, V6_PREFIX);
	}
	return source;
}

bool kw_source_address_equal(const struct kw_source_address *a, const struct kw_source_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool has_time(const struct kw_share *share, uint64_t paid, uint64_t now)
{
	return paid <= now + share->part * share->burst;
}

static const struct kw_budget_entry *find(const struct kw_budget *budget,
					  const struct kw_source_address *address)
{
	for (int i = 0; i < KW_BUDGET_ADDRESSES; i++)
		if (budget->entries[i].paid && kw_source_address_equal(&budget->entries[i].address, address))
			return &budget->entries[i];
	return NULL;
}

bool kw_budget_has_time(const struct kw_budget *budget, uint64_t now)
{
	return has_time(&budget->together, budget->paid, now);
}

uint64_t kw_budget_owed(const struct kw_budget *budget, const struct kw_source_address *address, uint64_t now)
{
	const struct kw_budget_entry *entry = find(budget, address);

	return entry && entry->paid > now ? entry->paid - now : 0;
}

bool kw_budget_allows(const struct kw_budget *budget, const struct kw_source_address *address, uint64_t now)
{
	return kw_budget_has_time(budget, now) &&
	       has_time(&budget->each, now + kw_budget_owed(budget, address, now), now);
}

/* The entry of this address, or the one of the address that owes least. */
static struct kw_budget_entry *entry_for(struct kw_budget *budget, const struct kw_source_address *address)
{
	struct kw_budget_entry *least = &budget->entries[0];

	for (int i = 0; i < KW_BUDGET_ADDRESSES; i++) {
		struct kw_budget_entry *entry = &budget->entries[i];

		if (entry->paid && kw_source_address_equal(&entry->address, address))
			return entry;
		if (entry->paid < least->paid)
			least = entry;
	}
	*least = (struct kw_budget_entry){.address = *address};
	return least;
}

static uint64_t pay(uint64_t paid, unsigned int part, uint64_t now, uint64_t spent)
{
	return (paid > now ? paid : now) + part * spent;
}

void kw_budget_charge(struct kw_budget *budget, const struct kw_source_address *address, uint64_t now,
		      uint64_t spent)
{
	struct kw_budget_entry *entry = entry_for(budget, address);

	entry->paid = pay(entry->paid, budget->each.part, now, spent);
	budget->paid = pay(budget->paid, budget->together.part, now, spent);
}
