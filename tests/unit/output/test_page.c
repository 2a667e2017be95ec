/* SPDX-License-Identifier: BSD-2-Clause */
/* The status page: what it says of whom, that nobody's name becomes markup, and that it stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "output/page/html.h"
#include "output/page/cache.h"
#include "tests/unit/world.h"

#define HOSTILE "<script>alert(1)</script>\"'&"

#define CGROUP                                                                                                 \
	"/kubepods/burstable/pod01234567-89ab-cdef-0123-456789abcdef/"                                         \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct page {
	struct world world;
	struct kw_premature_closes closes;
	char *text;
};

static void open_page(struct page *page)
{
	memset(page, 0, sizeof(*page));
	open_world(&page->world);
}

static struct kw_page_source source_of(const struct page *page, const char *host)
{
	static const struct kw_clock clock = {.offset = 1700000000 * (int64_t)KW_S};

	return (struct kw_page_source){&page->world.aggregate, &page->closes, &clock, host};
}

static const char *written(struct page *page, const char *host)
{
	struct kw_page_source source = source_of(page, host);
	size_t length;

	free(page->text);
	assert_int_equal(kw_aggregate_settle(&page->world.aggregate, UINT64_MAX), 0);
	assert_int_equal(kw_page_main(&source, &page->text, &length), 0);
	assert_int_equal(length, strlen(page->text));
	return page->text;
}

static void close_page(struct page *page)
{
	free(page->text);
	kw_aggregate_close(&page->world.aggregate);
}

/* One connection of a service of this name. */
static void observe(struct page *page, const char *name, struct kw_event_connection event,
		    struct kw_verdict verdict)
{
	struct kw_service service = event_service(event.identity.role, name);
	struct kw_event decoded;

	page->world.now += KW_S;
	event.header.time = verdict.closed = event.ending.time = event.closing.time = page->world.now;
	event.opened = event.established = page->world.now - 10 * KW_S;
	event.identity.cookie = ++page->world.cookie;
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
	assert_int_equal(kw_aggregate_connection(&page->world.aggregate, &service, &decoded, &verdict), 0);
	kw_premature_note(&page->closes, &decoded, &verdict, &service, CGROUP);
}

static void observe_late(struct page *page, const char *name)
{
	struct kw_event_late late = {
		.header = {.type = KW_EVENT_LATE, .size = sizeof(late), .time = page->world.now + 7 * KW_MS},
		.identity = event_connection().identity,
		.closed = page->world.now,
		.bytes = 30,
	};
	struct kw_service service = event_service(KW_ROLE_SERVER, name);
	struct kw_event event;

	assert_int_equal(kw_decode(&late, sizeof(late), &event), 0);
	assert_int_equal(kw_aggregate_late(&page->world.aggregate, &service, &event), 0);
	kw_premature_note(&page->closes, &event, NULL, &service, NULL);
}

static struct kw_verdict stale(void)
{
	return lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));
}

static struct kw_event_connection late_reuse(void)
{
	struct kw_event_connection event = reused(4990);

	event.http.has_timeout = 1;
	event.http.timeout = 5;
	event.http.lost_safe = 1;
	return event;
}

#define assert_says(text, part) assert_non_null(strstr(text, part))
#define assert_says_not(text, part) assert_null(strstr(text, part))

/* ---- text ---- */

static void any_text_becomes_text(void **state)
{
	const struct {
		const char *text, *html;
	} rows[] = {
		{"nginx:8080", "nginx:8080"},
		{"", ""},
		{HOSTILE, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"},
		{"&lt;", "&amp;lt;"},
		{"a\n\t\033[31mb\177", "a???[31mb?"},
		{"\377\300\257x", "???x"},
		/* Would turn the line around. NOLINTNEXTLINE(misc-misleading-bidirectional) */
		{"a\342\200\256b", "a???b"},
		{"gr\303\274n \360\237\230\200", "gr\303\274n \360\237\230\200"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *html;
		size_t length;
		FILE *file = open_memstream(&html, &length);

		kw_html_text(file, rows[i].text);
		fclose(file);
		assert_string_equal(html, rows[i].html);
		free(html);
	}
}

static void a_long_text_is_cut_between_characters(void **state)
{
	char text[4 * KW_HTML_TEXT], *html;
	size_t length;
	FILE *file = open_memstream(&html, &length);

	(void)state;
	text[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\303\274", 3);
	kw_html_text(file, text);
	fclose(file);
	assert_int_equal(length, KW_HTML_TEXT - 1); /* one byte, then pairs: the last has no room */
	free(html);
}

/* ---- the page ---- */

static void with_nothing_seen_it_says_so(void **state)
{
	struct page page;
	const char *text;

	(void)state;
	open_page(&page);
	text = written(&page, "web1");
	assert_says(text, "<main id=\"main\" data-level=\"nothing\"");
	assert_says(text, "No HTTP connection seen yet</h1>");
	assert_says_not(text, "<svg");
	assert_says_not(text, "<table");
	assert_says_not(text, "<ol");
	close_page(&page);
}

static void a_healthy_service_has_a_row_and_a_plot(void **state)
{
	struct page page;
	const char *text;

	(void)state;
	open_page(&page);
	for (int i = 0; i < 20; i++)
		observe(&page, "nginx:8080", reused(2000), idle_close(60000));
	text = written(&page, "web1");
	assert_says(text, "data-level=\"healthy\"");
	assert_says(text, "<th scope=\"row\"><span class=\"end\"><bdi class=\"name\">nginx:8080</bdi>");
	assert_says(text,
		    "Used again 40 times, after up to 2 s. Closed while idle 20 times, after 60 s to 60 s");
	assert_says(text, "server closes at 60 s");
	assert_says(text, "safe margin 58 s<");
	assert_says_not(text, "reuse late");
	close_page(&page);
}

static void a_loss_without_a_pattern_is_not_called_healthy(void **state)
{
	struct kw_verdict cut =
		lost(verdict_of(KW_REASON_REQUEST_TRUNCATED, KW_CLOSER_CLIENT, KW_PHASE_REQUEST));
	struct page page;

	(void)state;
	open_page(&page);
	for (int i = 0; i < 5; i++)
		observe(&page, "nginx:8080", reused(2000), idle_close(60000));
	observe(&page, "nginx:8080", requests(5), cut);
	assert_says(written(&page, "web1"), "data-level=\"critical\" data-title=\"Requests are being lost - ");
	close_page(&page);
}

static void lost_events_are_shown_with_what_helps(void **state)
{
	struct kw_event_unseen unseen = event_unseen(3, 1, 900);
	struct page page;

	(void)state;
	open_page(&page);
	observe(&page, "nginx:8080", reused(2000), idle_close(60000));
	assert_says_not(written(&page, "web1"), "Events lost");
	kw_aggregate_unseen(&page.world.aggregate, &unseen);
	assert_says(written(&page, "web1"), "Events lost");
	assert_says(page.text, "the kernel showed them to no program");
	assert_says_not(page.text, "--ring-size");
	close_page(&page);
}

static void a_race_says_what_to_change_and_shows_where_it_is(void **state)
{
	struct page page;
	const char *text, *finding, *closes;

	(void)state;
	open_page(&page);
	for (int i = 0; i < 20; i++)
		observe(&page, "nginx:8080", reused(4990), idle_close(5003));
	observe(&page, "nginx:8080", late_reuse(), stale());
	text = written(&page, "web1");
	assert_says(text, "data-level=\"critical\" data-title=\"Requests are being lost - web1 - keepwatch\"");
	finding = strstr(text, "<details class=\"finding critical\" id=\"finding-0\" "
			       "data-key=\"timeout_race nginx:8080 server \" open>");
	assert_non_null(finding);
	closes = strstr(finding, "Last premature closes");
	assert_says(finding, "keepalive_timeout");
	assert_says(finding, "<dt>Advertised timeout</dt><dd>5 s</dd>");
	assert_true(strstr(finding, "class=\"reuse late\"") < closes); /* its plot stands beside it */
	assert_says(closes, "The latest 1 of 1");
	assert_says(closes, "stale_reuse</b>");
	assert_says(closes, "container <code>0123456789ab</code>, pod <code>01234567-89ab-");
	assert_says(closes, "netns 4026531840");
	assert_says(closes, "This is the keep-alive race: ");
	assert_says_not(closes, "<svg");
	close_page(&page);
}

static void connections_with_both_ends_here_are_told_once(void **state)
{
	struct kw_event_connection client = late_reuse(), server = late_reuse();
	const char *text, *row;
	struct page page;

	(void)state;
	open_page(&page);
	client.identity.role = KW_ROLE_CLIENT;
	memcpy(client.identity.remote, server.identity.local, sizeof(client.identity.remote));
	client.identity.remote_port = server.identity.local_port;
	for (int i = 0; i < 3; i++) {
		client.identity.isn = server.peer_isn = (uint32_t)i;
		client.peer_isn = server.identity.isn;
		observe(&page, "10.0.0.5:8080", client, stale());
		observe(&page, "nginx:8080", server, stale());
	}
	text = written(&page, "web1");
	assert_says(text, "id=\"finding-0\"");
	assert_says_not(text, "id=\"finding-1\"");
	assert_says(strstr(text, "id=\"finding-0\""), "10.0.0.5:8080</bdi> <span class=\"role\">client");
	assert_says(strstr(text, "id=\"finding-0\""),
		    ", <bdi class=\"name\">nginx:8080</bdi> <span class=\"role\">server");
	assert_says(text, "The latest 3 of 3");
	row = strstr(text, "<tr><th scope=\"row\">");
	assert_non_null(row);
	assert_null(strstr(row + 1, "<tr><th scope=\"row\">"));
	assert_says(row, "</span></span> <span class=\"end\"><bdi class=\"name\">10.0.0.5:8080</bdi>");
	close_page(&page);
}

static void the_latest_closes_come_first_and_the_oldest_go(void **state)
{
	struct page page;
	const char *text;
	int shown = 0;

	(void)state;
	open_page(&page);
	for (int i = 0; i < KW_PREMATURE_KEPT; i++)
		observe(&page, "nginx:8080", late_reuse(), stale());
	observe(&page, "nginx:8080", reused(1000), idle_close(5000)); /* nothing was lost here */
	observe_late(&page, "nginx:8080");
	text = strstr(written(&page, "web1"), "Last premature closes");
	assert_says(text, "The latest 20 of 21 since the start");
	assert_true(strstr(text, "late_request</b>") < strstr(text, "stale_reuse</b>"));
	assert_says(text, "a request arrived 7 ms after the server had closed the idle connection");
	assert_says_not(text, "data-key=\"1-5f3\"");
	assert_says(text, "data-key=\"2-5f3\"");
	for (const char *at = text; (at = strstr(at, "<li><details")); at++)
		shown++;
	assert_int_equal(shown, KW_PREMATURE_KEPT);
	close_page(&page);
}

static void no_name_becomes_markup(void **state)
{
	struct kw_event_connection event = late_reuse();
	struct page page;
	const char *text;

	(void)state;
	open_page(&page);
	event.identity.role = KW_ROLE_CLIENT;
	memcpy(event.identity.comm, "<img src=x>\"'\377y", KW_COMM);
	for (int i = 0; i < 20; i++)
		observe(&page, HOSTILE, event, idle_close(5000));
	observe(&page, HOSTILE, event, stale());
	observe_late(&page, HOSTILE);
	text = written(&page, "<b>\"host");
	assert_says_not(text, "<script");
	assert_says_not(text, "<img");
	assert_says_not(text, "<b>\"");
	assert_says_not(text, "\377");
	assert_says(text, "&lt;img src=x&gt;&quot;&#39;?");
	assert_says(text, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;");
	assert_says(text, "Requests are being lost - &lt;b&gt;&quot;host - keepwatch\">");
	close_page(&page);
}

static void its_size_has_a_bound(void **state)
{
	char name[KW_SERVICE_NAME];
	struct page page;

	(void)state;
	open_page(&page);
	page.world.aggregate.ceiling = 1000;
	for (int i = 0; i < 400; i++) {
		memset(name, '"', sizeof(name));
		snprintf(name + sizeof(name) - 8, 8, "%05d", i);
		for (int k = 0; k < 6; k++)
			observe(&page, name, reused(100 * (i % 90 + 1)), idle_close(100 * (i % 100 + 1)));
		observe(&page, name, late_reuse(), stale());
	}
	assert_in_range(strlen(written(&page, "web1")), 100000, 1 << 20);
	assert_says(page.text, "And 300 more: ");
	assert_says(page.text, "id=\"finding-39\"");
	assert_says_not(page.text, "id=\"finding-40\"");
	close_page(&page);
}

static void a_plot_takes_any_times(void **state)
{
	struct page page;

	(void)state;
	open_page(&page);
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++) {
		struct kw_event_connection event = reused(1 + (uint64_t)i * i * i * 100);

		event.http.has_timeout = 1;
		event.http.timeout = i % 2 ? 0 : 2147483647;
		observe(&page, "x", event, idle_close(i % 3 ? 0 : 1ULL << (i % 40)));
		assert_says_not(written(&page, ""), "nan");
		assert_says_not(page.text, "inf\"");
		assert_says_not(page.text, "width=\"-");
		assert_says(page.text, "<svg");
	}
	close_page(&page);
}

static void the_frame_holds_the_part_and_its_own_code(void **state)
{
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(kw_page_whole("<main id=\"main\">...</main>", "0123abcd", &text, &length), 0);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(text, "<!DOCTYPE html>", 15);
	assert_says(text, "</header>\n<main id=\"main\">...</main><footer>");
	assert_says(text, "<style nonce=\"0123abcd\">");
	assert_says(text, "<script nonce=\"0123abcd\">");
	assert_says(text, "prefers-color-scheme: dark");
	assert_says_not(text, "https://"); /* nothing from elsewhere */
	assert_says_not(text, " style=");  /* the policy would not have it */
	assert_says_not(text, " onclick=");
	free(text);
}

static void it_is_not_made_again_at_once(void **state)
{
	struct kw_page_cache cache = {0};
	struct kw_page_source source;
	const char *first, *second;
	struct page page;

	(void)state;
	open_page(&page);
	source = source_of(&page, "web1");
	assert_int_equal(kw_page_cache_get(&cache, &source, &first), 0);
	observe(&page, "nginx:8080", reused(100), idle_close(5000));
	cache.until = UINT64_MAX;
	assert_int_equal(kw_page_cache_get(&cache, &source, &second), 0);
	assert_ptr_equal(first, second);
	cache.until = 0;
	assert_int_equal(kw_page_cache_get(&cache, &source, &second), 0);
	assert_says(second, "nginx:8080");
	assert_true(cache.until > kw_clock_monotonic());
	kw_page_cache_free(&cache);
	close_page(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_text_becomes_text),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(with_nothing_seen_it_says_so),
		cmocka_unit_test(a_healthy_service_has_a_row_and_a_plot),
		cmocka_unit_test(a_loss_without_a_pattern_is_not_called_healthy),
		cmocka_unit_test(lost_events_are_shown_with_what_helps),
		cmocka_unit_test(a_race_says_what_to_change_and_shows_where_it_is),
		cmocka_unit_test(connections_with_both_ends_here_are_told_once),
		cmocka_unit_test(the_latest_closes_come_first_and_the_oldest_go),
		cmocka_unit_test(no_name_becomes_markup),
		cmocka_unit_test(its_size_has_a_bound),
		cmocka_unit_test(a_plot_takes_any_times),
		cmocka_unit_test(the_frame_holds_the_part_and_its_own_code),
		cmocka_unit_test(it_is_not_made_again_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
