/* SPDX-License-Identifier: GPL-2.0-only */
/* The thread that woke the current one. Some programs hand each request over to another thread, which wakes the first one when it
 * is done. The kernel keeps of each thread which one it woke last (task_struct.last_wakee, kernel/sched/fair.c), but not by whom
 * it was woken; so the threads that learnt of a failure lately are asked. */
#ifndef KEEPWATCH_WAKER_BPF_H
#define KEEPWATCH_WAKER_BPF_H

#include "maps.bpf.h"
#include "kernel.bpf.h"

/* The current task learns how a connection ends. */
static __always_inline void kw_remember_learner(struct task_struct *task)
{
	__u32 key = __sync_fetch_and_add(&kw_learner_count, 1) % KW_LEARNERS;
	struct kw_learner *learner = bpf_map_lookup_elem(&learners, &key);
	__u64 id = bpf_get_current_pid_tgid();

	if (!learner)
		return;
	learner->task = task;
	learner->pid = id >> 32;
	learner->thread = (__u32)id;
}

struct kw_waking {
	struct task_struct *task; /* that was woken */
	__u64 id;                 /* its pid and thread, as bpf_get_current_pid_tgid() gives them */
	__u32 latest;             /* number of the latest learner */
	__u32 waker;
};

/* The task may have ended meanwhile, and another one be in its place: then the number differs. */
static long kw_ask_learner(__u32 index, struct kw_waking *waking)
{
	__u32 key = (waking->latest - index) % KW_LEARNERS, thread = 0;
	struct kw_learner *learner = bpf_map_lookup_elem(&learners, &key);
	struct task_struct *woken = NULL;

	if (!learner || !learner->task)
		return 1;
	if (learner->pid != waking->id >> 32 || learner->thread == (__u32)waking->id)
		return 0;
	bpf_probe_read_kernel(&thread, sizeof(thread), &learner->task->pid);
	bpf_probe_read_kernel(&woken, sizeof(woken), &learner->task->last_wakee);
	if (thread != learner->thread || woken != waking->task)
		return 0;
	waking->waker = thread;
	return 1;
}

KW_LOOP(kw_ask_learner, KW_LEARNERS)

/* Which thread of the same process woke the current task last, of those that learnt of a failure; 0 if none did, or the kernel
 * does not keep it (one for a single processor). */
static __always_inline __u32 kw_waker(void)
{
	struct kw_waking waking = {
		.task = bpf_get_current_task_btf(),
		.id = bpf_get_current_pid_tgid(),
		.latest = kw_learner_count - 1,
	};

	if (bpf_core_field_exists(waking.task->last_wakee))
		kw_ask_learner_loop(&waking);
	return waking.waker;
}

#endif
