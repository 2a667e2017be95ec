/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts of an HTTP/2 connection: its streams at the closer's act, and who had said by a GOAWAY that it would end. The kernel
 * side has counted the streams as they stood then, by stream positions (see struct kw_http2_facts). */
#ifndef KEEPWATCH_JUDGE_HTTP2_H
#define KEEPWATCH_JUDGE_HTTP2_H

#include "judge/known.h"

#define KW_HTTP2_QUICKLY (100 * KW_MS) /* a GOAWAY that comes sooner behind a stream met a connection in use */

/* Counts the streams; the same for a connection that is open still, as they stand. */
void kw_http2_count(const struct kw_http2_facts *http2, struct kw_streams *ret_streams);

/* Streams that may be sent again whatever they ask for, because the server did nothing for them; and those that are lost. */
uint32_t kw_http2_retryable(const struct kw_streams *streams);
uint32_t kw_http2_lost(const struct kw_streams *streams);

/* The side whose GOAWAY says most of the end: one with an error, or else the first. NULL: nobody sent any; else *ret_direction is
 * set. */
const struct kw_http2_side *kw_http2_goaway(const struct kw_http2_facts *http2,
					    const struct kw_streams *streams,
					    enum http2_direction *ret_direction);

/* Derives all of f->streams, and f->goaway. The side that sent the GOAWAY counts as the closer, because clients then often send the
 * first FIN; but whoever closes over streams that were promised an answer is the closer. Needs f->actor. Changes f->closer and
 * f->local. */
void kw_http2_derive(struct kw_facts *f);

/* The point at which the streams were; also sets f->inferred, f->late and f->late_request. */
enum kw_phase kw_http2_phase(struct kw_facts *f);

/* Time from the latest event of a stream to the GOAWAY that ended the connection, or else to the close, ns; or
 * KW_DURATION_UNKNOWN. */
int64_t kw_http2_idle(const struct kw_facts *f);

/* Questions of the rules. All are false for a connection without HTTP/2. */
bool kw_http2_is_calmed(const struct kw_facts *f); /* a GOAWAY says ENHANCE_YOUR_CALM */
bool kw_http2_is_ping_unanswered(
	const struct kw_facts *f); /* the closer waited for an answer to its PING, and nothing came */
bool kw_http2_is_fault(const struct kw_facts *f);      /* a GOAWAY says that something is wrong */
bool kw_http2_lacks_preface(const struct kw_facts *f); /* the server does not speak HTTP/2 */
bool kw_http2_is_cut(
	const struct kw_facts *f); /* the server closed over streams that its GOAWAY had promised to answer */
bool kw_http2_is_refused(
	const struct kw_facts *f); /* all streams that are open are above the last one of the GOAWAY */
bool kw_http2_began_after(
	const struct kw_facts *f); /* and one began when the client had it, or long after it was sent */
bool kw_http2_is_said_when_idle(
	const struct kw_facts *f); /* the GOAWAY came to a connection that was not in use */
bool kw_http2_is_path_dead(
	const struct kw_facts *f); /* the client's data was sent again and again, and never acknowledged */

/* How long the closer's oldest PING had been unanswered at its act, ns; 0: none was. */
uint64_t kw_http2_ping_age(const struct kw_facts *f);

#endif
