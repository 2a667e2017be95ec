/* SPDX-License-Identifier: BSD-2-Clause */
/* The report's table of services: a row for each, which has both ends' names if both are on this host. In a terminal that is too
 * narrow for that, a name has a line of its own; in one that is narrower still, its numbers are a sentence. */
#include <inttypes.h>
#include <string.h>

#include "base/duration.h"
#include "base/words.h"
#include "base/wrap.h"
#include "event/names.h"
#include "output/report/print.h"

#define SERVICES 40 /* most services in the table; the JSON has them all */
#define NAME_LEAST 24
#define INDENT "  "

enum column_id {
	ROLE,
	CONNECTIONS,
	PER,
	REUSED,
	PREMATURE,
	ADVERTISED,
	INFERRED,
	LONGEST,
	COLUMNS
};

/* A column's title, in two lines, and its width; and the words around its number in a sentence. */
static const struct column {
	const char *title, *below;
	int width; /* negative: flush left */
	const char *before, *after;
} columns[COLUMNS] = {
	[ROLE] = {"role", "", -6, "role ", ""},
	[CONNECTIONS] = {"connec-", "tions", 9, "", " connections"},
	[PER] = {"requests/", "conn.", 9, "", " requests on each"},
	[REUSED] = {"reused", "", 7, "", " of them on used connections"},
	[PREMATURE] = {"premature", "", 9, "", " premature"},
	[ADVERTISED] = {"timeout", "advertised", 10, "timeout advertised ", ""},
	[INFERRED] = {"timeout", "inferred", 9, "timeout inferred ", ""},
	[LONGEST] = {"longest idle", "before reuse", 12, "longest idle before reuse ", ""},
};

enum layout {
	BESIDE, /* the numbers are beside the name */
	BELOW,  /* the numbers are in a line below the name */
	WORDS,  /* the numbers are a sentence below the name */
};

/* ---- numbers ---- */

#define UNKNOWN "-"

struct cell {
	char text[KW_DURATION_TEXT + 1];
};

struct row {
	struct cell cells[COLUMNS];
};

/* With a ~ if it is @inferred from TLS records; a dash if it is not @known. */
static struct cell cell_of(bool known, bool inferred, const char *text)
{
	struct cell cell;

	snprintf(cell.text, sizeof(cell.text), "%s%s", known && inferred ? "~" : "", known ? text : UNKNOWN);
	return cell;
}

static struct cell seconds_cell(bool known, bool inferred, double seconds)
{
	return cell_of(known, inferred, kw_duration_about(seconds).text);
}

static struct cell share_cell(uint64_t part, uint64_t whole, bool inferred)
{
	char text[KW_DURATION_TEXT];

	snprintf(text, sizeof(text), "%.1f%%", whole ? 100.0 * (double)part / (double)whole : 0);
	return cell_of(whole, inferred, text);
}

static struct cell number_cell(double number, bool inferred)
{
	char text[KW_DURATION_TEXT];

	snprintf(text, sizeof(text), "%.1f", number);
	return cell_of(true, inferred, text);
}

static struct cell count_cell(uint64_t count)
{
	char text[KW_DURATION_TEXT];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	return cell_of(true, false, text);
}

static const char *row_role(const struct kw_overview *overview, const struct kw_assessment *service)
{
	if (kw_overview_next_end(overview, service, NULL))
		return "both";
	return kw_role_name(service->counters->service.role);
}

static struct row row_of(const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &service->sum,
					  *idle = &kw_overview_idle_end(overview, service)->sum;
	bool tls = sum->traffic.exchanges;

	return (struct row){{
		[ROLE] = cell_of(true, false, row_role(overview, service)),
		[CONNECTIONS] = count_cell(kw_overview_count(overview, service, kw_count_connections)),
		[PER] = number_cell(kw_exchanges_per_connection(sum), tls),
		[REUSED] = share_cell(kw_reused(sum), kw_exchanges(sum), tls),
		[PREMATURE] = share_cell(kw_overview_count(overview, service, kw_count_premature),
					 kw_overview_count(overview, service, kw_count_closed), false),
		[ADVERTISED] = seconds_cell(service->counters->has_advertised_timeout, false,
					    service->counters->advertised_timeout),
		[INFERRED] = seconds_cell(service->server_idle.known, tls, service->server_idle.seconds),
		[LONGEST] = cell_of(kw_reused(idle), tls, kw_duration(idle->reuse_idle_max).text),
	}};
}

/* ---- names ---- */

/* The mark of a protocol, if the service speaks it. @file NULL: only counts. Returns the length. */
static int print_mark(FILE *file, const char *mark, bool speaks)
{
	if (speaks && file)
		fputs(mark, file);
	return speaks ? (int)strlen(mark) : 0;
}

/* "node:3000, 127.0.0.1:3000": the name at the server's end, and those at its clients' ends on this host. @file NULL: only
 * counts. Returns the length. */
static int print_names(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_assessment *end = NULL;
	int length = (int)strlen(service->counters->service.name);

	if (file)
		fputs(service->counters->service.name, file);
	length += print_mark(file, " (tls)", kw_speaks_tls(&service->sum));
	length += print_mark(file, " (h2c)", kw_speaks_h2c(&service->sum));
	length += print_mark(file, " (h2)", kw_speaks_h2(&service->sum));
	while ((end = kw_overview_next_end(overview, service, end))) {
		length += (int)strlen(end->counters->service.name) + 2;
		if (file)
			fprintf(file, ", %s", end->counters->service.name);
	}
	return length;
}

static int longest_name(const struct kw_overview *overview)
{
	int longest = NAME_LEAST;

	for (size_t i = 0; i < overview->service_count; i++) {
		int length = print_names(NULL, overview, &overview->services[i]);

		if (kw_overview_has_row(overview, &overview->services[i]) && length > longest)
			longest = length;
	}
	return longest;
}

/* ---- rows ---- */

static void print_cells(FILE *file, const struct row *row)
{
	for (int i = 0; i < COLUMNS; i++)
		fprintf(file, "%s%*s", i ? " " : INDENT, columns[i].width, row->cells[i].text);
	fputc('\n', file);
}

static void print_titles(FILE *file, int name_width)
{
	fprintf(file, "\n%-*.*s" INDENT, name_width, name_width, "service");
	for (int i = 0; i < COLUMNS; i++)
		fprintf(file, "%s%*s", i ? " " : "", columns[i].width, columns[i].title);
	fprintf(file, "\n%-*s" INDENT, name_width, "");
	for (int i = 0; i < COLUMNS; i++)
		fprintf(file, "%s%*s", i ? " " : "", columns[i].width, columns[i].below);
	fputc('\n', file);
}

/* "role both, 39 connections, 7.1 requests on each" */
static void print_sentence(FILE *file, const struct row *row, int width)
{
	char text[COLUMNS * (sizeof(struct cell) + 32)];
	size_t length = 0;

	for (int i = 0; i < COLUMNS; i++)
		if (strcmp(row->cells[i].text, UNKNOWN) != 0)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s%s%s",
						   i ? ", " : "", columns[i].before, row->cells[i].text,
						   columns[i].after);
	kw_wrap(file, width, INDENT, text);
}

static void print_service(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service,
			  enum layout layout, int width)
{
	struct row row = row_of(overview, service);
	int length = print_names(file, overview, service);

	if (layout == BESIDE)
		fprintf(file, "%*s", width - length, "");
	else
		fputc('\n', file);
	if (layout == WORDS)
		print_sentence(file, &row, width);
	else
		print_cells(file, &row);
}

static enum layout layout_for(int width, int name_width)
{
	int numbers = (int)strlen(INDENT) + COLUMNS - 1;

	for (int i = 0; i < COLUMNS; i++)
		numbers += columns[i].width > 0 ? columns[i].width : -columns[i].width;
	if (!width || name_width + numbers <= width)
		return BESIDE;
	return numbers <= width ? BELOW : WORDS;
}

void kw_report_services(FILE *file, const struct kw_overview *overview, int width)
{
	int name_width = longest_name(overview);
	enum layout layout = layout_for(width, name_width);
	size_t rows = 0;

	if (layout == WORDS)
		fputs("\nServices\n", file);
	else
		print_titles(file, layout == BESIDE ? name_width : 0);
	for (size_t i = 0; i < overview->service_count && rows < SERVICES; i++) {
		if (!kw_overview_has_row(overview, &overview->services[i]))
			continue;
		print_service(file, overview, &overview->services[i], layout,
			      layout == BESIDE ? name_width : width);
		rows++;
	}
	if (overview->row_count > SERVICES)
		fprintf(file, "and %zu more: see --json\n", overview->row_count - SERVICES);
}
