/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define WHOLE 1000 /* the quality 1, in thousandths */

struct piece {
	const char *text;
	size_t length;
};

/* One member of a list such as "text/plain;version=0.0.4;q=0.5, ...". */
struct member {
	struct piece name;
	struct piece version; /* empty: none given */
	int quality;          /* 0 to WHOLE */
};

static bool is(struct piece piece, const char *text)
{
	return piece.length == strlen(text) && strncasecmp(piece.text, text, piece.length) == 0;
}

/* Cuts off and returns the text before @end, without the white space around it. */
static struct piece take(struct piece *rest, char end)
{
	const char *found = memchr(rest->text, end, rest->length);
	struct piece piece = {rest->text, found ? (size_t)(found - rest->text) : rest->length};
	size_t taken = piece.length + (found != NULL);

	rest->text += taken;
	rest->length -= taken;
	while (piece.length && strchr(" \t", piece.text[0])) {
		piece.text++;
		piece.length--;
	}
	while (piece.length && strchr(" \t", piece.text[piece.length - 1]))
		piece.length--;
	return piece;
}

/* Parses a quality such as "1", "0.5" or "0.125", in thousandths. Anything else counts as 0, so that a malformed
 * value never wins. */
static int quality_of(struct piece text)
{
	int quality = 0, worth = WHOLE;

	for (size_t i = 0; i < text.length; i++, worth /= 10) {
		if (i == 1) {
			if (text.text[i] != '.')
				return 0;
			worth *= 10;
		} else if (text.text[i] < '0' || text.text[i] > '9') {
			return 0;
		} else {
			quality += (text.text[i] - '0') * worth;
		}
	}
	return quality <= WHOLE ? quality : 0;
}

static struct member take_member(struct piece *list)
{
	struct piece rest = take(list, ',');
	struct member member = {.name = take(&rest, ';'), .quality = WHOLE};

	while (rest.length) {
		struct piece value = take(&rest, ';');
		struct piece name = take(&value, '=');

		value = take(&value, ';'); /* trims white space */
		if (is(name, "q"))
			member.quality = quality_of(value);
		else if (is(name, "version"))
			member.version = value;
	}
	return member;
}

bool kw_negotiate_open_metrics(const char *accept)
{
	struct piece rest = {accept ? accept : "", accept ? strlen(accept) : 0};
	int open_metrics = 0, text = 0;

	while (rest.length) {
		struct member member = take_member(&rest);
		int *best = NULL;

		if (is(member.name, "application/openmetrics-text") &&
		    (!member.version.length || is(member.version, "1.0.0")))
			best = &open_metrics;
		else if (is(member.name, "text/plain") &&
			 (!member.version.length || is(member.version, "0.0.4")))
			best = &text;
		if (best && member.quality > *best)
			*best = member.quality;
	}
	return open_metrics && open_metrics >= text;
}

bool kw_negotiate_gzip(const char *accept_encoding)
{
	struct piece rest = {accept_encoding ? accept_encoding : "",
			     accept_encoding ? strlen(accept_encoding) : 0};
	int named = -1, any = 0;

	while (rest.length) {
		struct member member = take_member(&rest);

		if (is(member.name, "gzip") || is(member.name, "x-gzip"))
			named = member.quality;
		else if (is(member.name, "*"))
			any = member.quality;
	}
	return named >= 0 ? named > 0 : any > 0;
}
