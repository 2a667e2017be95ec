/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the reader of recordings and all that a replay prints: a file that anybody may have made is refused, or gives
 * output of the right form, in time.
 *
 * An input is a recording. Their checksums are made good again after most changes, so that the frames' contents count. */
#include "command/commands.h"
#include "command/parse.h"
#include "base/log.h"
#include "recording/recording.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/told.h"

/* A way to replay. */
struct way {
	const char *line;
	void (*check)(const char *text); /* of what is printed */
};

static const struct way ways[] = {
	{"--as trace -v --open --exchanges", check_printable},
	{"--as trace --json --open --exchanges --service-by cgroup", check_json},
	{"--as report --every 1ms --service-by container", check_printable},
	{"--as report --json --every 10s --services 2", check_json},
	{"--as metrics --window 10s --networks 10.0.0.0/8=a", check_printable},
};

static void replay(const struct way *way, const char *path)
{
	char line[128], *argv[16] = {(char *)"keepwatch", (char *)"replay", (char *)path}, *text, *rest = NULL;
	struct kw_options options;
	struct told told;
	int argc = 3;

	strcpy(line, way->line);
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	CHECK(kw_options_parse(argc, argv, &options) == 0);
	told_begin(&told);
	kw_command_replay(&options);
	text = told_end(&told);
	way->check(text);
	free(text);
	kw_options_free(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *path = fuzz_file(data, n);

	setenv("NO_COLOR", "1", 1);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		replay(&ways[i], path);
	return 0;
}

/* ---- changing a recording ---- */

#define PREAMBLE sizeof(struct kw_recording_preamble)

/* The head of the frame at @at, if that frame is whole. */
static bool frame_at(const uint8_t *data, size_t size, size_t at, struct kw_frame_head *ret_head)
{
	if (at + sizeof(*ret_head) > size)
		return false;
	memcpy(ret_head, data + at, sizeof(*ret_head));
	return ret_head->size <= size - at - sizeof(*ret_head);
}

static void seal(uint8_t *data, size_t size)
{
	struct kw_recording_preamble preamble;
	struct kw_frame_head head;

	if (size < PREAMBLE)
		return;
	memcpy(&preamble, data, PREAMBLE);
	for (size_t at = PREAMBLE; frame_at(data, size, at, &head); at += sizeof(head) + head.size) {
		head.checksum = kw_recording_checksum(preamble.version, &head, data + at + sizeof(head));
		memcpy(data + at, &head, sizeof(head));
	}
}

/* Chooses a frame by chance, and says at which byte it begins. Returns false if no frame is whole. */
static bool choose_frame(const uint8_t *data, size_t size, uint32_t *random, size_t *ret_at,
			 struct kw_frame_head *ret_head)
{
	struct kw_frame_head head;
	uint32_t count = 0;

	for (size_t at = PREAMBLE; frame_at(data, size, at, &head); at += sizeof(head) + head.size)
		if (mutate_random(random) % ++count == 0) {
			*ret_at = at;
			*ret_head = head;
		}
	return count > 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	uint32_t random = seed | 1, how = mutate_random(&random) % 16;
	struct kw_frame_head head;
	size_t at, whole;

	if (how == 0 || !choose_frame(data, size, &random, &at, &head))
		return LLVMFuzzerMutate(data, size, most);
	whole = sizeof(head) + head.size;
	if (how == 1) {
		memmove(data + at, data + at + whole, size - at - whole);
		size -= whole;
	} else if (how <= 3 && size + whole <= most) {
		memmove(data + at + whole, data + at, size - at);
		size += whole;
		mutate_in_place(data + at + sizeof(head), head.size, &random);
	} else {
		mutate_in_place(data + at + sizeof(head), head.size, &random);
	}
	seal(data, size);
	return size;
}
