/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of the live view at one moment: a copy, so that it stays while somebody looks at it and events go on. Made from
 * the overview that report and page show too. Pure. */
#ifndef KEEPWATCH_TOP_MODEL_H
#define KEEPWATCH_TOP_MODEL_H

#include "finding/overview.h"
#include "output/top/rates.h"
#include "output/top/latest.h"

#define KW_TOP_HOST 72
#define KW_TOP_FINDINGS 200 /* the gravest; the report has them all */
#define KW_TOP_ENDS 4       /* services in one row; of more, the first */
#define KW_TOP_NAME (2 * KW_SERVICE_NAME)
#define KW_TOP_COMM 48     /* a process's name, sanitised */
#define KW_TOP_PROTOCOL 24 /* "1.1,tls" */

/* A number that may be unknown, or inferred from TLS records. */
struct kw_top_number {
	bool known;
	bool inferred; /* shown with a ~ */
	double value;
};

/* A row of the table of services: the two ends of the same connections share one. */
struct kw_top_service {
	struct kw_service ends[KW_TOP_ENDS]; /* the first one names the row */
	size_t end_count;                    /* 1 or more */
	char name[KW_TOP_NAME];              /* of all ends; safe to print, as all text here */
	char comm[KW_TOP_COMM];              /* of the process at this end; may be empty */
	char protocol[KW_TOP_PROTOCOL];
	uint64_t open;    /* connections */
	uint64_t idle;    /* of these: no request is under way */
	uint64_t streams; /* of HTTP/2, open now */
	double requests;  /* a second, as the next */
	double closes;
	uint64_t lost;      /* requests in the window, as all counts that follow */
	uint64_t premature; /* closes */
	uint64_t closed;    /* connections */
	uint64_t connections;
	struct kw_top_number requests_each; /* on each connection */
	struct kw_top_number reuse;         /* share of requests, 0 to 1 */
	struct kw_top_number timeout;       /* seconds; the server's idle timeout, inferred, else advertised */
	struct kw_top_number margin;        /* seconds; timeout less the longest idle time before a reuse */
	uint64_t advertised;                /* seconds; see has_advertised */
	bool has_advertised;
	enum kw_reason top; /* of most closes; KW_REASON_MAX: nothing closed */
	uint64_t reasons[KW_REASON_MAX];
};

struct kw_top_finding {
	struct kw_service service; /* which it is about */
	char who[KW_TOP_NAME];     /* that service and the other end, with their roles */
	struct kw_finding finding;
};

/* The lists of the main screen, in the order in which they stand there. */
enum kw_top_section {
	KW_TOP_SECTION_FINDINGS,
	KW_TOP_SECTION_SERVICES,
	KW_TOP_SECTION_CLOSES,
	KW_TOP_SECTION_GATEWAYS,
	KW_TOP_SECTIONS,
};

/* The things that are shown, see arrange.h. */
struct kw_top_list {
	uint32_t *items; /* indexes, with room for all things of the section; owned */
	size_t count;
};

struct kw_top_model {
	char host[KW_TOP_HOST];
	struct kw_clock clock;
	uint64_t now;      /* monotonic ns */
	uint64_t observed; /* ns */
	uint64_t window;   /* ns that the counts cover */
	struct kw_losses losses;
	struct kw_unfinished closing;
	uint64_t open, idle; /* connections */
	double requests;     /* a second */
	struct kw_top_number reuse;
	uint64_t lost;
	uint64_t premature;
	struct kw_top_service *services; /* the worst first; owned, as the next */
	size_t service_count;
	struct kw_top_finding *findings; /* the gravest first */
	size_t finding_count;
	size_t more_findings;              /* that have no place */
	struct kw_premature_close *closes; /* premature ones, the latest first; owned, as the next */
	size_t close_count;
	size_t closes_so_far;              /* premature ones, since the start */
	struct kw_premature_close *latest; /* closes of any kind, the latest first */
	size_t latest_count;
	struct kw_latest_gateway *gateways; /* the latest first; owned */
	size_t gateway_count;
	struct kw_top_list shown[KW_TOP_SECTIONS];
};

/* From where a model is made. */
struct kw_top_source {
	const struct kw_aggregate *aggregate;
	const struct kw_premature_closes *closes;
	const struct kw_latest *latest;
	struct kw_rates *rates;
	struct kw_clock clock;
	const char *host; /* hostile text */
};

/* Makes a model of the present moment. On success, close *ret_model; nothing is shown before kw_top_arrange(). Returns 0 or
 * -ENOMEM. */
int kw_top_model_make(const struct kw_top_source *source, struct kw_top_model *ret_model);
void kw_top_model_close(struct kw_top_model *model);

/* Whether this close belongs to the row. */
bool kw_top_is_of(const struct kw_top_service *service, const struct kw_service *end);

/* The row that this service names; NULL: there is none any more. */
const struct kw_top_service *kw_top_service_find(const struct kw_top_model *model,
						 const struct kw_service *service);

/* "server", "client" or "both". */
const char *kw_top_role(const struct kw_top_service *service);

#endif
