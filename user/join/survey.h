/* SPDX-License-Identifier: BSD-2-Clause */
/* A first look at the recordings of several hosts, before they are joined: how far their clocks are apart, which connections
 * have a record of each end, and what else each host could have recorded. Pure. */
#ifndef KEEPWATCH_JOIN_SURVEY_H
#define KEEPWATCH_JOIN_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/decode.h"

#define KW_HOSTS_MAX 32

#define KW_SURVEY_ENDS (1U << 20)   /* ends that are remembered; of later ones anything may be */
#define KW_SURVEY_PLACES (1U << 16) /* endpoints that are remembered */

struct kw_survey_end;
struct kw_survey_place;

/* Knowledge of a host's clock. Host 0 has the reference. */
struct kw_skew {
	bool known;     /* connections join this host to host 0, through others perhaps */
	int64_t ns;     /* how far this host's clock is ahead of the clock of host 0 */
	size_t against; /* the host whose clock it was compared with */
	size_t pairs;   /* connections between the two that say so */
};

struct kw_survey_host {
	int64_t offset;      /* added to its monotonic times: its own real time, ns since 1970 */
	uint64_t started;    /* its monotonic time when its observation began, */
	uint64_t ended;      /* and of its latest event */
	uint64_t lost;       /* events that it lost: then a missing record proves nothing */
	struct kw_skew skew; /* once the survey is settled */
};

struct kw_survey {
	size_t host_count;
	struct kw_survey_host hosts[KW_HOSTS_MAX];
	struct kw_survey_end *ends; /* owned; sorted by key once settled */
	size_t end_count, end_room;
	bool overflowed;                /* some ends are not among them */
	struct kw_survey_place *places; /* endpoints that hosts have, by themselves; owned */
};

/* Adds a host, at most KW_HOSTS_MAX, and returns its number. @offset, @started: as in struct kw_survey_host. */
size_t kw_survey_add_host(struct kw_survey *survey, int64_t offset, uint64_t started);

/* Takes an event of this host. 0 or -ENOMEM. */
int kw_survey_take(struct kw_survey *survey, size_t host, const struct kw_event *event);

/* All events were taken: finds the skews. 0 or -ENOMEM. */
int kw_survey_settle(struct kw_survey *survey);

/* ns to add to this host's monotonic times, so that all hosts' times compare. */
int64_t kw_survey_shift(const struct kw_survey *survey, size_t host);

/* Whether another record may be of the other end of a connection with this key (see pair_key.h); @role: of the known end. */
bool kw_survey_has_other(const struct kw_survey *survey, uint64_t key, uint8_t role);

/* Whether the other end of this connection should have a record, where only @host has one: another host has the address that
 * it would have, uses it in the same role, was recorded during the connection's whole life, and lost nothing. */
bool kw_survey_expects(const struct kw_survey *survey, size_t host, const struct kw_event_connection *event);

void kw_survey_close(struct kw_survey *survey);

#endif
