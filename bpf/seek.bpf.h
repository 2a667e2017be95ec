/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers that are not those of the running system call of a 64-bit program, as nearly all are. A program of its own, because it is
 * rare: kw_go_on(), kw_go_on_tls() and kw_go_on_http2() tail-call it, and it tail-calls whoever did. */
#ifndef KEEPWATCH_SEEK_BPF_H
#define KEEPWATCH_SEEK_BPF_H

#include "compat.bpf.h"
#include "mmsg.bpf.h"
#include "steps.bpf.h"
#include "uring.bpf.h"

/* Looks for the buffers of a call on @sk, then goes on with it. */
static __always_inline void kw_seek_and_resume(void *ctx, struct sock *sk, void *programs)
{
	struct kw_scratch *room = kw_slot_in_hand();
	struct kw_cursor *cursor;

	if (!room)
		return;
	cursor = &room->cursor;
	cursor->blind = kw_locate_mmsg(cursor, sk) && kw_locate_32(cursor, sk) &&
			kw_locate_uring(cursor, kw_file_of(sk), cursor->way);
	bpf_tail_call(ctx, programs, cursor->resume);
	cursor->task = 0;
}

#endif
