/* SPDX-License-Identifier: BSD-2-Clause */
/* The key by which the records of the two ends of one connection find each other. */
#ifndef KEEPWATCH_PAIR_KEY_H
#define KEEPWATCH_PAIR_KEY_H

#include <stdint.h>

#include "include/event.h"

/* Never 0 and the same for both ends: a hash of the initial sequence numbers, which stay the same through NAT and from one
 * network namespace to another; where the beginning was not seen, of both endpoints. 0 where it is not known which end is
 * the client's. */
uint64_t kw_pair_key(const struct kw_event_connection *event);

#endif
