/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the TLS machine: whatever the bytes are and wherever calls cut them, it reads nothing beyond them, moves on, and says
 * the same of the same bytes.
 *
 * An input is a list of calls: a byte whose lowest bit is the direction, two bytes with a length, and so many bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/tls.h"

#define CHECK(condition)                                                                                       \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition);                  \
			abort();                                                                               \
		}                                                                                              \
	} while (0)

#define CALL 3

struct run {
	struct tls_connection c;
	size_t cut; /* bytes of a piece; 0: whole calls */
	uint64_t position[2];
	uint64_t said; /* a hash of all events, with their places */
};

static void say(struct run *run, unsigned int direction, uint32_t event)
{
	const struct tls_stream *s = &run->c.streams[direction];
	const uint64_t facts[] = {event, direction, run->position[direction], s->type, s->length, s->meaning};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		run->said = (run->said ^ facts[i]) * 0x9e3779b97f4a7c15ULL;
}

static void check(const struct run *run, unsigned int direction)
{
	const struct tls_stream *s = &run->c.streams[direction];

	CHECK(s->left <= s->length && s->headed < TLS_HEADER && s->need <= TLS_NAME);
	CHECK(s->field <= TLS_FIELD_NAME && s->meaning <= TLS_MEANS_TICKET && s->named <= TLS_NAME);
	CHECK(run->c.handshake < TLS_HANDSHAKE_MAX && run->c.alert_by <= 2);
}

/* Shows a piece, which stands in memory of its own. */
static void show(struct run *run, unsigned int direction, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n);
	size_t at = 0;

	memcpy(copy, bytes, n);
	while (at < n) {
		uint64_t taken = tls_skippable(&run->c.streams[direction], n - at);
		uint32_t event = 0;
		size_t look = n - at < TLS_WINDOW ? n - at : TLS_WINDOW;

		if (taken)
			tls_skip(&run->c, direction, taken);
		else
			taken = tls_step(&run->c, direction, copy + at, (uint32_t)look, &event);
		CHECK(taken && taken <= n - at);
		at += taken;
		run->position[direction] += taken;
		if (event && !(event & TLS_EVENT_LOST))
			say(run, direction, event);
		check(run, direction);
	}
	free(copy);
}

static void play(struct run *run, const uint8_t *data, size_t size)
{
	while (size >= CALL) {
		unsigned int direction = data[0] & 1;
		size_t n = (size_t)data[1] << 8 | data[2];

		if (n > size - CALL)
			n = size - CALL;
		for (size_t at = 0, piece; at < n; at += piece) {
			piece = run->cut && run->cut < n - at ? run->cut : n - at;
			show(run, direction, data + CALL + at, piece);
		}
		data += CALL + n;
		size -= CALL + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t cuts[] = {1, 2, 7};
	struct run whole = {.c.keep_name = 1};

	play(&whole, data, size);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct run cut = {.c.keep_name = 1, .cut = cuts[i]};

		play(&cut, data, size);
		CHECK(cut.said == whole.said);
		CHECK(memcmp(&cut.c, &whole.c, sizeof(cut.c)) == 0);
	}
	return 0;
}
