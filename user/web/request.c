/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* Says of a head's fields where its body ends, and for whom it is. */
struct framing {
	unsigned int lengths;
	unsigned int codings;
	unsigned int hosts;
	bool chunked;   /* the last Transfer-Encoding is "chunked" and nothing else */
	bool malformed; /* a name that is no token */
};

static bool is_token(const char *name, size_t length)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < length; i++)
		if (!((name[i] >= '0' && name[i] <= '9') || (name[i] >= 'A' && name[i] <= 'Z') ||
		      (name[i] >= 'a' && name[i] <= 'z') || (name[i] && strchr(others, name[i]))))
			return false;
	return length > 0;
}

/* An MHD_KeyValueIteratorN. */
static enum MHD_Result note(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length,
			    const char *value, size_t value_length)
{
	struct framing *framing = context;

	(void)kind;
	(void)value_length;
	framing->malformed |= !is_token(name, name_length);
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		framing->lengths++;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		framing->codings++;
		framing->chunked = value && strcasecmp(value, "chunked") == 0;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		framing->hosts++;
	}
	return MHD_YES;
}

bool kw_request_is_direct(const char *host)
{
	char name[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *rest;
	size_t length;
	bool bracket;

	if (!host)
		return true;
	bracket = host[0] == '[';
	length = bracket ? strcspn(++host, "]") : strcspn(host, ":");
	rest = host + length + (bracket && host[length] == ']');
	if (length >= sizeof(name) || (bracket && host[length] != ']') ||
	    (rest[0] && (rest[0] != ':' || rest[1 + strspn(rest + 1, "0123456789")])))
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	if (bracket)
		return inet_pton(AF_INET6, name, &address) == 1;
	return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &address) == 1;
}

/* RFC 9112, sections 3.2, 5.1 and 6.3. */
struct kw_refusal kw_request_check(struct MHD_Connection *connection)
{
	struct framing framing = {0};

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, note, &framing);
	if (framing.malformed)
		return (struct kw_refusal){MHD_HTTP_BAD_REQUEST, "a field's name is not valid\n"};
	if (framing.lengths + framing.codings > 1)
		return (struct kw_refusal){MHD_HTTP_BAD_REQUEST,
					   "at most one Content-Length or Transfer-Encoding\n"};
	if (framing.codings && !framing.chunked)
		return (struct kw_refusal){MHD_HTTP_BAD_REQUEST, "the only Transfer-Encoding is chunked\n"};
	if (framing.hosts > 1)
		return (struct kw_refusal){MHD_HTTP_BAD_REQUEST, "at most one Host\n"};
	return (struct kw_refusal){0};
}
