/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/privileges.h"
#include "keepwatch.skel.h"
#include "observe/conservation.h"
#include "observe/kernel_types.h"
#include "observe/namespaces.h"
#include "observe/programs.h"
#include "observe/requirements.h"
#include "observe/tail_calls.h"
#include "observe/tls/attacher.h"
#include "observe/witness.h"

struct kw_loader {
	struct keepwatch_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *sweep; /* the iterator over all connections */
	uint64_t *per_cpu;      /* room to read a value of any per-CPU map into */
	int cpus;
	bool tls;     /* libraries get probes */
	int attacher; /* see kw_attacher_start(); -1: none */
	bool started; /* the connections that are older have been found */
	struct kw_conservation conservation;
	struct kw_witness witness;
};

static int refused(int r, const char *what)
{
	if (r == -EPERM || r == -EACCES)
		return kw_log_error(
			-EOPNOTSUPP,
			"the kernel does not let this process %s BPF programs (%s): run as root, outside of "
			"a container; see keepwatch check",
			what, strerror(-r));
	return kw_log_error(-EOPNOTSUPP,
			    "this kernel cannot %s the BPF programs (%s): keepwatch needs Linux 5.15 or newer; "
			    "see keepwatch check",
			    what, strerror(-r));
}

static int open_maps(struct kw_loader *loader, const struct kw_loader_settings *settings)
{
	loader->ring = ring_buffer__new(bpf_map__fd(loader->skel->maps.events), settings->event,
					settings->context, NULL);
	if (!loader->ring)
		return kw_log_error(-errno, "cannot map the event buffer: %s", strerror(errno));
	loader->cpus = libbpf_num_possible_cpus();
	if (loader->cpus < 0)
		return kw_log_error(loader->cpus, "cannot count processors: %s", strerror(-loader->cpus));
	loader->per_cpu = calloc((size_t)loader->cpus, sizeof(struct kw_totals));
	return loader->per_cpu ? 0 : kw_log_error(-ENOMEM, "out of memory");
}

/* No front end works: says it of the one that was asked for, or of the last that was tried. */
static int no_front_end(enum kw_front_end wanted, const struct kw_front_end_choice *choice)
{
	enum kw_front_end tried = wanted == KW_FRONT_END_ANY ? KW_FRONT_END_MAX - 1 : wanted;
	char why[128];

	kw_missing_hook_text(&choice->missing, why, sizeof(why));
	return kw_log_error(-EOPNOTSUPP, "the %s front end cannot work here: %s: %s; see keepwatch check",
			    kw_front_end_name(tried), choice->missing.hook, why);
}

/* If the kernel refuses an addition as well, the thing that it was to show goes unseen; that is only logged. */
static int choose_front_end(struct kw_loader *loader, enum kw_front_end wanted)
{
	struct kw_front_end_choice choice;
	int r = kw_front_end_choose(loader->skel->obj, wanted, &choice);

	if (r < 0)
		return no_front_end(wanted, &choice);
	kw_log(KW_LOG_DEBUG, "using the %s front end, and %s to find open connections",
	       kw_front_end_name(choice.chosen),
	       choice.sweep ? choice.sweep : "nothing, because this kernel lacks it,");
	for (unsigned int i = 0; i < choice.additions; i++)
		if (choice.addition[i].missing.hook)
			kw_log(KW_LOG_WARNING, "keepwatch will not see %s; see keepwatch check",
			       choice.addition[i].purpose);
	return 0;
}

/* A coarse clock moves with the kernel's timer tick. */
static uint32_t tick_us(void)
{
	struct timespec tick;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 ? tick.tv_nsec / 1000 : 0;
}

static bool is_filtering(const struct kw_config *filter)
{
	return filter->port_count || filter->pid || filter->role || filter->filter_comm || filter->filter_net;
}

void kw_loader_set_filter(struct kw_loader *loader, const struct kw_config *filter)
{
	loader->skel->bss->kw_adopting = loader->started && !is_filtering(filter);
	loader->skel->bss->kw_config = *filter;
	loader->skel->bss->kw_config.tick_us = tick_us();
}

int kw_loader_open(const struct kw_loader_settings *settings, struct kw_loader **ret_loader)
{
	_cleanup_(kw_loader_closep) struct kw_loader *loader = NULL;
	int r = settings->btf ? kw_types_give(settings->btf) : 0;

	if (r == 0)
		r = kw_host_require();
	if (r == 0 && settings->tls && !kw_programs_can_read_libraries())
		r = kw_log_error(-EOPNOTSUPP, "this kernel cannot put probes into libraries as --tls needs it: "
					      "Linux 6.6 or newer can");
	if (r == 0 && settings->tls)
		r = kw_host_require_for_probes();
	if (r < 0)
		return r;
	loader = calloc(1, sizeof(*loader));
	if (!loader)
		return kw_log_error(-ENOMEM, "out of memory");
	loader->attacher = -1;
	loader->skel = kw_programs_open();
	if (!loader->skel)
		return kw_log_error(-errno, "cannot read the programs for the kernel: %s", strerror(errno));
	kw_loader_set_filter(loader, settings->filter);
	kw_front_end_hold(loader->skel->obj);
	kw_programs_want_libraries(loader->skel, settings->tls);
	loader->tls = settings->tls;
	bpf_map__set_max_entries(loader->skel->maps.events,
				 settings->ring_size); /* fails only once it is loaded */
	r = choose_front_end(loader, settings->front_end);
	if (r == 0) {
		r = keepwatch_bpf__load(loader->skel);
		if (r == 0)
			r = kw_tail_calls_fill(loader->skel->obj);
		r = r < 0 ? refused(r, "load") : open_maps(loader, settings);
	}
	if (r < 0)
		return r;
	/* Loading took several times the memory that is used from here on; the allocator would keep it for the life of the process. */
	malloc_trim(0);
	*ret_loader = TAKE_PTR(loader);
	return 0;
}

void kw_loader_close(struct kw_loader *loader)
{
	if (!loader)
		return;
	if (loader->attacher >= 0)
		close(loader->attacher);
	ring_buffer__free(loader->ring);
	bpf_link__destroy(loader->sweep);
	kw_witness_end(&loader->witness);
	keepwatch_bpf__destroy(loader->skel);
	free(loader->per_cpu);
	free(loader);
}

/* Reads until there is no more, and empties @ring, if there is one, whenever a mark was read. Returns in how many pieces. */
static int read_through(int fd, struct ring_buffer *ring)
{
	int pieces = 0;
	char mark;
	ssize_t got;

	do {
		int r = ring ? ring_buffer__consume(ring) : 0;

		if (r < 0)
			return r;
		got = read(fd, &mark, sizeof(mark));
		pieces++;
	} while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return got < 0 ? -errno : pieces;
}

/* Runs an iterator program to its end, which reading drives. The program writes only a mark when the ring is filling up,
 * and the mark ends a read of one byte. It does so only when it must, because the next read passes over all connections
 * that had their turn, which takes long where there are very many. Returns in how many pieces the iterator ran. */
static int iterate(struct kw_loader *loader, const struct bpf_link *link, struct ring_buffer *ring)
{
	_cleanup_fd_ int fd = bpf_iter_create(bpf_link__fd(link));
	int r;

	if (fd < 0)
		return -errno;
	loader->skel->bss->kw_iterating = 1;
	r = read_through(fd, ring);
	loader->skel->bss->kw_iterating = 0;
	return r;
}

struct walk {
	struct kw_loader *loader;
	struct bpf_link *link;
};

static int iterate_link(void *context)
{
	const struct walk *walk = context;
	int r = iterate(walk->loader, walk->link, NULL);

	return r < 0 ? r : 0;
}

static int find_sockets(struct kw_loader *loader)
{
	struct walk walk = {loader, bpf_program__attach_iter(loader->skel->progs.kw_find_sockets, NULL)};
	int r;

	if (!walk.link)
		return -errno;
	r = kw_netns_each(iterate_link, &walk);
	bpf_link__destroy(walk.link);
	return r;
}

static int find_owners(struct kw_loader *loader)
{
	struct bpf_link *link = bpf_program__attach_iter(loader->skel->progs.kw_find_owners, NULL);
	int r;

	if (!link)
		return -errno;
	r = iterate(loader, link, NULL);
	bpf_link__destroy(link);
	return r < 0 ? r : 0;
}

static int attach_sweep(struct kw_loader *loader)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)bpf_map__fd(loader->skel->maps.connections)};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));

	if (bpf_program__autoload(loader->skel->progs.kw_sweep))
		loader->sweep = bpf_program__attach_iter(loader->skel->progs.kw_sweep, &options);
	else
		loader->sweep = bpf_program__attach_iter(loader->skel->progs.kw_sweep_files, NULL);
	return loader->sweep ? 0 : -errno;
}

static int start_attacher(struct kw_loader *loader)
{
	struct kw_attacher_programs programs = {
		.programs = {[KW_PROBE_RETURN] = bpf_program__fd(loader->skel->progs.kw_library_return),
			     [KW_PROBE_CALL] = bpf_program__fd(loader->skel->progs.kw_library_call),
			     [KW_PROBE_GO_READ] = bpf_program__fd(loader->skel->progs.kw_go_read),
			     [KW_PROBE_GO_ENCRYPT] = bpf_program__fd(loader->skel->progs.kw_go_encrypt),
			     [KW_PROBE_GO_SENT] = bpf_program__fd(loader->skel->progs.kw_go_sent),
			     [KW_PROBE_BEGIN] = bpf_program__fd(loader->skel->progs.kw_library_begin)},
		.asks = bpf_map__fd(loader->skel->maps.asks)};

	loader->attacher = loader->tls ? kw_attacher_start(&programs) : -1;
	return loader->tls && loader->attacher < 0 ? loader->attacher : 0;
}

/* The hooks come first: a connection that opens while the older ones are being found must not be missed. */
int kw_loader_start(struct kw_loader *loader)
{
	int r = keepwatch_bpf__attach(loader->skel);

	if (r == 0)
		r = attach_sweep(loader);
	if (r < 0)
		return refused(r, "attach");
	r = start_attacher(loader);
	if (r < 0)
		return r;
	r = find_sockets(loader);
	if (r == 0)
		r = find_owners(loader);
	loader->started = true;
	loader->skel->bss->kw_adopting = !is_filtering((const struct kw_config *)&loader->skel->bss->kw_config);
	kw_witness_begin(&loader->witness, loader->skel->progs.kw_softirq,
			 bpf_map__fd(loader->skel->maps.softirqs));
	return r < 0 ? kw_log_error(r, "cannot find the connections that are already open: %s", strerror(-r))
		     : 0;
}

int kw_loader_attacher_fd(const struct kw_loader *loader)
{
	return loader->attacher;
}

int kw_loader_fd(const struct kw_loader *loader)
{
	return ring_buffer__epoll_fd(loader->ring);
}

int kw_loader_consume(struct kw_loader *loader)
{
	int r = ring_buffer__consume(loader->ring);

	return r < 0 ? r : 0;
}

/* Adds up the first value of a per-CPU map, word by word. */
static int add_up(struct kw_loader *loader, const struct bpf_map *map, uint64_t *ret_sum, size_t words)
{
	__u32 key = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(map), &key, loader->per_cpu) < 0)
		return -errno;
	for (size_t i = 0; i < words * (size_t)loader->cpus; i++)
		ret_sum[i % words] += loader->per_cpu[i];
	return 0;
}

static int read_a_map(void *context)
{
	struct kw_loader *loader = context;
	__u32 key = 0;

	return bpf_map_lookup_elem(bpf_map__fd(loader->skel->maps.states), &key, loader->per_cpu);
}

bool kw_loader_reads_without_bpf(struct kw_loader *loader)
{
	return kw_privileges_can_without_bpf(read_a_map, loader);
}

static int read_states(struct kw_loader *loader, struct kw_states *ret_states)
{
	*ret_states = (struct kw_states){0};
	return add_up(loader, loader->skel->maps.states, (uint64_t *)ret_states,
		      sizeof(*ret_states) / sizeof(uint64_t));
}

/* A sweep over files does not meet every connection; nor is it sure to, where it comes in pieces. */
static bool met_all(const struct kw_loader *loader, int pieces)
{
	return pieces == 1 && bpf_program__autoload(loader->skel->progs.kw_sweep);
}

int kw_loader_sweep(struct kw_loader *loader, enum kw_sweep_mode mode)
{
	struct kw_states before, after;
	int r = read_states(loader, &before);

	if (r < 0)
		return r;
	loader->skel->bss->kw_sweep_mode = mode;
	loader->skel->bss->kw_unfinished = (struct kw_unfinished){0};
	loader->skel->bss->kw_alive = 0;
	r = iterate(loader, loader->sweep, loader->ring);
	if (r < 0 || !met_all(loader, r))
		return r < 0 ? r : 0;
	r = read_states(loader, &after);
	if (r == 0)
		kw_conservation_look(&loader->conservation, before.made, after.ended,
				     loader->skel->bss->kw_alive);
	return r;
}

int kw_loader_unseen(struct kw_loader *loader, struct kw_event_unseen *ret_event)
{
	struct kw_states states;
	int r = read_states(loader, &states);

	if (r < 0)
		return r;
	*ret_event = (struct kw_event_unseen){
		.header = {.type = KW_EVENT_UNSEEN, .size = sizeof(*ret_event), .time = kw_clock_monotonic()},
		.openings = states.adopted,
		.closes = loader->conservation.missed,
		.softirqs = kw_witness_look(&loader->witness)};
	return 0;
}

/* Times that a program was wanted while it was running on the same processor: that event it did not see. */
static uint64_t program_info(const struct bpf_program *program, struct bpf_prog_info *ret_info)
{
	__u32 size = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), ret_info, &size) < 0)
		return 0;
	return ret_info->recursion_misses;
}

int kw_loader_totals(struct kw_loader *loader, struct kw_event_totals *ret_event)
{
	struct kw_event_totals event = {0};
	struct bpf_program *program;
	struct bpf_prog_info info;
	int r = add_up(loader, loader->skel->maps.totals, (uint64_t *)&event.totals,
		       sizeof(event.totals) / sizeof(uint64_t));

	if (r < 0)
		return r;
	bpf_object__for_each_program(program, loader->skel->obj)
	{
		uint64_t misses = program_info(program, &info);

		if (!kw_front_end_has_twin(loader->skel->obj, program))
			event.totals.lost[KW_LOST_RECURSION] += misses;
	}
	event.unfinished = loader->skel->bss->kw_unfinished;
	event.header.type = KW_EVENT_TOTALS;
	event.header.size = sizeof(event);
	event.header.time = kw_clock_monotonic();
	*ret_event = event;
	return 0;
}

size_t kw_loader_program_stats(struct kw_loader *loader, struct kw_program_stats *ret_stats, size_t size)
{
	struct bpf_program *program;
	struct bpf_prog_info info;
	size_t count = 0;

	bpf_object__for_each_program(program, loader->skel->obj)
	{
		if (!bpf_program__autoload(program) || kw_tail_calls_reach(program))
			continue; /* this kernel does without, or its time is counted where it was called */
		program_info(program, &info);
		if (count < size)
			ret_stats[count] = (struct kw_program_stats){bpf_program__name(program),
								     info.run_time_ns, info.run_cnt};
		count++;
	}
	return count;
}
