/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of fields that Connection lists: hop-by-hop, so a program that sends on a message must remove them (RFC 9110
 * section 7.6.1). Kept for each connection; and for each process those that it received, with which the messages that it
 * sends are compared. Names only, no values. */
#ifndef KEEPWATCH_NAMES_BPF_H
#define KEEPWATCH_NAMES_BPF_H

#include "connection.bpf.h"

static __always_inline int kw_same_name(const char *kept, const struct http1_stream *s)
{
	const __u64 *words = (const __u64 *)kept;

	return words[0] == s->words[0] && words[1] == s->words[1] && words[2] == s->words[2] &&
	       words[3] == s->words[3];
}

/* ---- of a process ----------------------------------------------------------------------------------- */

/* Is the name in the stream's word in a process's list? */
KW_GLOBAL int kw_is_listed(const struct kw_listed *listed, const struct http1_stream *s)
{
	if (!listed || !s)
		return 0;
	for (__u32 i = 0; i < KW_NAMES; i++)
		if (kw_same_name(listed->names[i], s))
			return 1;
	return 0;
}

/* Adds the name in the stream's word to a list of the connection's process. The latest KW_NAMES are kept. */
KW_GLOBAL int kw_list_name(const struct kw_connection *c, const struct http1_stream *s, __u32 direction,
			   __u32 way)
{
	static const struct kw_listed nothing;
	struct kw_list_key key = {.direction = direction, .way = way};
	struct kw_listed *found;

	if (!c || !s)
		return 0;
	key.pid = c->identity.pid;
	if (way == KW_RECEIVED)
		kw_listing = 1;
	found = bpf_map_lookup_elem(&listed, &key);
	if (!found) {
		bpf_map_update_elem(&listed, &key, &nothing, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&listed, &key);
	}
	if (found && !kw_is_listed(found, s))
		__builtin_memcpy(found->names[found->next++ & (KW_NAMES - 1)], s->words, HTTP1_WORD);
	return 0;
}

/* Has the process received the name in the stream's word in such a list, and was not itself the first to send it? */
KW_GLOBAL int kw_is_received(const struct kw_connection *c, const struct http1_stream *s, __u32 direction)
{
	return c && kw_is_listed(kw_listed_of(c, direction, KW_RECEIVED), s) &&
	       !kw_is_listed(kw_listed_of(c, direction, KW_SENT), s);
}

/* ---- of a connection -------------------------------------------------------------------------------- */

/* Keeps the name that was read into the stream's word. @kinds: enum kw_name_kind. */
KW_GLOBAL int kw_count_name(struct kw_names *kept, const struct http1_stream *s, __u32 kinds)
{
	if (!kept || !s)
		return 0;
	for (__u32 i = 0; i < KW_NAMES; i++) {
		struct kw_name *name = &kept->names[i];

		if (!name->name[0])
			__builtin_memcpy(name->name, s->words, sizeof(name->name));
		if (kw_same_name(name->name, s)) {
			name->count += !(kinds & KW_NAME_AS_FIELD);
			kept->kinds |= kinds << i * KW_NAME_KINDS;
			return 1;
		}
	}
	__sync_fetch_and_add(&kept->more, !(kinds & KW_NAME_AS_FIELD));
	return 0;
}

/* Connection listed the name in the stream's word, in a message of this direction. @kept: the connection's names, or NULL. */
static __always_inline void kw_note_name(struct kw_connection *c, struct kw_names *kept,
					 const struct http1_stream *s, __u32 direction)
{
	__u32 kinds = direction == HTTP1_REQUESTS ? KW_NAME_OF_REQUEST : KW_NAME_OF_RESPONSE;
	enum kw_way way = kw_direction(c->role, KW_SENT) == direction ? KW_SENT : KW_RECEIVED;

	if (way == KW_SENT && kw_is_received(c, s, direction))
		kinds |= KW_NAME_PASSED_ON;
	else
		kw_list_name(c, s, direction, way);
	c->named = 1;
	kw_count_name(kept, s, kinds);
}

/* A request that is being sent has a field of the name in the stream's word, which its process has received in such a list. */
static __always_inline void kw_note_field(struct kw_connection *c, struct kw_names *kept,
					  const struct http1_stream *s)
{
	c->named = 1;
	kw_count_name(kept, s, KW_NAME_AS_FIELD);
}

/* The names of the connection on @sk, to which one is added; or NULL. */
static __always_inline struct kw_names *kw_names_to_fill(struct sock *sk)
{
	struct kw_names *kept = bpf_sk_storage_get(&names, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!kept)
		kw_count_lost(KW_LOST_STATE);
	return kept;
}

static __always_inline void kw_on_name(struct kw_connection *c, struct sock *sk, const struct http1_stream *s,
				       __u32 direction)
{
	kw_note_name(c, kw_names_to_fill(sk), s, direction);
}

static __always_inline void kw_on_field(struct kw_connection *c, struct sock *sk, const struct http1_stream *s)
{
	if (kw_is_received(c, s, HTTP1_REQUESTS))
		kw_note_field(c, kw_names_to_fill(sk), s);
}

#endif
