/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/witness.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SOFTIRQS "/proc/softirqs"

/* The sum of the numbers of a line, "NET_RX: 12 34". */
static uint64_t sum_of(const char *line)
{
	const char *at = strchr(line, ':');
	uint64_t sum = 0;
	char *end;

	for (at = at ? at + 1 : ""; *at; at = end) {
		sum += strtoull(at, &end, 10);
		if (end == at)
			break;
	}
	return sum;
}

/* By the kernel's own count, on all processors; 0 if it cannot be read. */
static uint64_t happened(void)
{
	_cleanup_file_ FILE *file = fopen(SOFTIRQS, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	uint64_t sum = 0;

	while (file && getline(&line, &size, file) > 0)
		sum += sum_of(line); /* the head has no colon */
	return sum;
}

static uint64_t shown(int counts)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	uint64_t sum = 0;
	__u32 key = 0;

	if (!values || bpf_map_lookup_elem(counts, &key, values) < 0)
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

void kw_witness_begin(struct kw_witness *witness, const struct bpf_program *program, int counts)
{
	*witness = (struct kw_witness){.link = bpf_program__attach(program), .counts = counts};
	if (!witness->link)
		return;
	witness->before = -shown(
		counts); /* before the kernel's own count, so that what comes meanwhile counts as hidden then */
	witness->first = happened();
	witness->before += witness->first;
	if (!witness->first)
		kw_witness_end(witness);
}

uint64_t kw_witness_look(struct kw_witness *witness)
{
	uint64_t so_far, hidden;

	if (!witness->link)
		return witness->hidden;
	so_far =
		happened(); /* now it is the first of the two, so that what comes meanwhile does not count as hidden */
	hidden = so_far - shown(witness->counts) - witness->before;
	if ((int64_t)hidden > (int64_t)witness->hidden)
		witness->hidden = hidden;
	if (!witness->hidden && so_far - witness->first >= KW_WITNESS_ENOUGH)
		kw_witness_end(witness);
	return witness->hidden;
}

void kw_witness_end(struct kw_witness *witness)
{
	bpf_link__destroy(TAKE_PTR(witness->link));
}
