/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes all that is made of raw events: whatever their bytes are, they are refused, or judged, told, added up and shown in
 * the right form.
 *
 * An input is raw events behind each other, as the ring holds them. */
#include "aggregate/intake.h"
#include "aggregate/premature_closes.h"
#include "judge/sink.h"
#include "output/metrics/metrics.h"
#include "output/page/page.h"
#include "output/trace/tracer.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/told.h"

#define WINDOW (600 * KW_S)

static const struct kw_clock clock_now = {.offset = 1700000000 * (int64_t)KW_S};
static const struct kw_namer namer;

static const char *cgroup(void *names, uint64_t id)
{
	(void)names;
	return id % 2 ? "/system.slice/web.service" : NULL;
}

static const struct kw_source source = {.clock = &clock_now, .cgroup = cgroup};

/* All that takes events in the daemon and in a trace. */
struct takers {
	struct kw_tracer text, json;
	struct kw_intake intake;
	struct kw_premature_closes closes;
};

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct takers *takers = context;

	if (kw_is_premature(event, verdict)) {
		const struct kw_identity *identity =
			event->late ? &event->late->identity : &event->connection->identity;

		kw_premature_note(&takers->closes, event, verdict, kw_intake_service(&takers->intake, identity),
				  kw_source_cgroup(&source, identity->cgroup));
	}
	return kw_intake_event(&takers->intake, event, verdict);
}

/* Feeds each event from memory of its own, which ends where the event ends. */
static void feed_all(const struct kw_sink *sink, const uint8_t *data, size_t n)
{
	struct kw_event_header header;

	for (size_t at = 0; at < n;) {
		size_t size = n - at;
		uint8_t *own;

		if (size >= sizeof(header)) {
			memcpy(&header, data + at, sizeof(header));
			size = header.size && header.size < size ? header.size : size;
		}
		own = malloc(size);
		CHECK(own);
		memcpy(own, data + at, size);
		kw_sink_feed(sink, own, size);
		free(own);
		at += size;
	}
}

/* Prints the events as a trace. The text, which the caller frees. */
static char *trace(struct kw_tracer *tracer, bool json, const uint8_t *data, size_t n)
{
	struct kw_tracer_settings settings = {
		.namer = &namer, .json = json, .evidence = true, .exchanges = true, .open = true};
	struct kw_sink sink;
	struct told told;

	CHECK(kw_tracer_open(tracer, &settings, source) == 0);
	sink = kw_tracer_sink(tracer);
	told_begin(&told);
	feed_all(&sink, data, n);
	CHECK(kw_tracer_finish(tracer) == 0);
	kw_tracer_close(tracer);
	return told_end(&told);
}

static void check_page(const struct takers *takers)
{
	struct kw_page_source page = {.aggregate = &takers->intake.aggregate,
				      .closes = &takers->closes,
				      .clock = &clock_now,
				      .host = "host"};
	char *text;
	size_t length;

	CHECK(kw_page_main(&page, &text, &length) == 0);
	check_printable(text);
	CHECK(!strstr(text, "<script") && strlen(text) == length);
	free(text);
}

static void check_metrics(struct takers *takers)
{
	struct kw_metrics metrics = {.aggregate = &takers->intake.aggregate};
	char *text;
	size_t length;

	CHECK(kw_metrics_write(&metrics, true, &text, &length) == 0);
	check_printable(text);
	CHECK(length > 6 && !strcmp(text + length - 6, "# EOF\n"));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct takers takers;
	struct kw_intake_settings settings = {.namer = &namer, .services = 3, .window = WINDOW};
	struct kw_sink sink = {.context = &takers, .event = on_event};
	char *text;

	setenv("NO_COLOR", "1", 1);
	text = trace(&takers.text, false, data, n);
	check_printable(text);
	free(text);
	text = trace(&takers.json, true, data, n);
	check_json(text);
	free(text);
	takers.closes = (struct kw_premature_closes){0};
	CHECK(kw_intake_open(&takers.intake, &settings, source) == 0);
	feed_all(&sink, data, n);
	CHECK(kw_intake_settle(&takers.intake) == 0);
	check_page(&takers);
	check_metrics(&takers);
	kw_intake_close(&takers.intake);
	return 0;
}

/* The size of the event at @at, if it is whole; 0 if not. */
static size_t event_at(const uint8_t *data, size_t size, size_t at)
{
	struct kw_event_header header;

	if (size - at < sizeof(header))
		return 0;
	memcpy(&header, data + at, sizeof(header));
	return header.size >= sizeof(header) && header.size <= size - at ? header.size : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	uint32_t random = seed | 1, how = mutate_random(&random) % 16, count = 0;
	size_t chosen = 0, whole = 0;

	for (size_t at = 0, step; (step = event_at(data, size, at)); at += step)
		if (mutate_random(&random) % ++count == 0) {
			chosen = at;
			whole = step;
		}
	if (how == 0 || !whole)
		return LLVMFuzzerMutate(data, size, most);
	if (how == 1 && size > whole) {
		memmove(data + chosen, data + chosen + whole, size - chosen - whole);
		return size - whole;
	}
	if (how <= 3 && size + whole <= most) {
		memmove(data + chosen + whole, data + chosen, size - chosen);
		size += whole;
	}
	mutate_in_place(data + chosen + sizeof(__u64), whole - sizeof(__u64), &random); /* not type and size */
	return size;
}
