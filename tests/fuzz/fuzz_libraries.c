/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the files in which probes are looked for: probes are found that are within bounds, or it is said why there are none; the same
 * each time, and nothing stays open.
 *
 * An input is an ELF file. Most often it is changed within one of its parts, so that its headers still lead to them. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>

#include "observe/tls/probes.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/mutate.h"

/* The readers of all kinds of libraries. Each gets every file, also those that are not of its kind. */
static int (*const readers[])(const struct kw_tls_library *library, struct kw_probes *ret_probes) = {
	kw_probes_of,
	kw_probes_of_openssl,
	kw_probes_of_gnutls,
	kw_probes_of_go,
};

static int read_probes(size_t reader, const char *path, struct kw_probes *ret_probes)
{
	struct kw_tls_library library = {.fd = open(path, O_RDONLY | O_CLOEXEC), .path = path, .pid = getpid()};
	int r, next;

	CHECK(library.fd >= 0);
	ret_probes->count = 0;
	r = readers[reader](&library, ret_probes);
	next = dup(library.fd);
	CHECK(next == library.fd + 1);
	close(next);
	close(library.fd);
	return r;
}

static void check_probes(const struct kw_probes *probes)
{
	CHECK(probes->count && probes->count <= KW_PROBES_MOST);
	for (size_t i = 0; i < probes->count; i++)
		CHECK(probes->list[i].program < KW_PROBE_PROGRAMS && probes->list[i].offset);
}

static void check_same(const struct kw_probes *one, const struct kw_probes *other)
{
	CHECK(one->count == other->count);
	for (size_t i = 0; i < one->count; i++)
		CHECK(one->list[i].program == other->list[i].program &&
		      one->list[i].offset == other->list[i].offset &&
		      one->list[i].cookie == other->list[i].cookie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *path = fuzz_file(data, n);
	struct kw_probes probes, again;

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		int r = read_probes(i, path, &probes);

		CHECK(r <= 0 && r == read_probes(i, path, &again));
		if (r == 0) {
			check_probes(&probes);
			check_same(&probes, &again);
		}
	}
	return 0;
}

/* ---- changes ---------------------------------------------------------------------------------------- */

/* A part of a file. */
struct part {
	uint8_t *at;
	size_t size;
};

static struct part part_of(uint8_t *data, size_t size, uint64_t offset, uint64_t length)
{
	if (offset >= size)
		return (struct part){data, size};
	return (struct part){data + offset, length < size - offset ? (size_t)length : size - (size_t)offset};
}

/* The contents of a section, or its header. */
static struct part section(uint8_t *data, size_t size, const Elf64_Ehdr *header, uint32_t *random)
{
	uint64_t number = header->e_shnum ? mutate_random(random) % header->e_shnum : 0;
	struct part one = part_of(data, size, header->e_shoff, UINT64_MAX);
	Elf64_Shdr about;

	one = part_of(one.at, one.size, number * sizeof(about), sizeof(about));
	if (one.size < sizeof(about) || mutate_random(random) % 2)
		return one;
	memcpy(&about, one.at, sizeof(about));
	return part_of(data, size, about.sh_offset, about.sh_size);
}

static struct part choose(uint8_t *data, size_t size, uint32_t *random)
{
	Elf64_Ehdr header;

	if (size < sizeof(header))
		return (struct part){data, size};
	memcpy(&header, data, sizeof(header));
	switch (mutate_random(random) % 8) {
	case 0:
		return part_of(data, size, 0, sizeof(header));
	case 1:
		return part_of(data, size, header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr));
	default:
		return section(data, size, &header, random);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	uint32_t random = seed | 1;
	struct part part = choose(data, size, &random);

	if (mutate_random(&random) % 16 == 0)
		return LLVMFuzzerMutate(data, size, most);
	mutate_in_place(part.at, part.size, &random);
	return size;
}
