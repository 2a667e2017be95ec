/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts of a TLS connection, as far as direction, length and order of its records tell them: nothing of them is
 * certain. */
#ifndef KEEPWATCH_JUDGE_TLS_H
#define KEEPWATCH_JUDGE_TLS_H

#include "judge/known.h"

/* Most bytes that may lie unread without being part of a request: an alert, or empty lines where there is no TLS. */
uint32_t kw_tls_spare_bytes(const struct kw_tls_facts *tls);

/* The side that ended the TLS session counts as the closer, because polite peers leave the first FIN to the other side. Changes f->closer,
 * f->manner, f->closed and f->local. */
void kw_tls_derive_closer(struct kw_facts *f);

/* The point at which the connection was, once its requests and responses have been derived as those of HTTP are; also sets
 * f->inferred. */
enum kw_phase kw_tls_phase(struct kw_facts *f, enum kw_phase by_messages);

/* The closer ended the session by an alert, and what came later is in vain: the latest response answers nobody then, the latest request
 * meets the close. Times tell that where the other side sent the first FIN. */
bool kw_tls_answers_in_vain(const struct kw_facts *f);
bool kw_tls_asks_behind(const struct kw_facts *f);

/* The server's alert came to the client sooner than an answer to its latest request could, so that it was sent before the request was there.
 * The smoothed round-trip time may be longer than this one was: what follows from this is inferred. */
bool kw_tls_asks_too_late(const struct kw_facts *f);

/* The first request's only answer may be a ticket by its place, but the client wants none: then it is the response. Servers send
 * no tickets to such a client, but for OpenSSL, which sends two. */
bool kw_tls_is_answered_once(const struct kw_facts *f);

/* Did the client end the session? Then it wants nothing more, although it may go on to read until the server closes. */
bool kw_tls_is_over(const struct kw_facts *f);

/* Has the server closed by a FIN without a close_notify? Where the close is to mark the end of a response inside TLS, someone on the path may
 * have made it then, so that the response counts as incomplete (RFC 9112 section 9.8). */
bool kw_tls_is_unsealed(const struct kw_facts *f);

/* Did the closer end the session by an alert, before the first FIN or RST? */
bool kw_tls_is_ended(const struct kw_facts *f);

/* Has the handshake of a connection in KW_PHASE_HANDSHAKE failed by an alert, or has the closer waited for the other side? */
bool kw_tls_has_failed(const struct kw_facts *f);
bool kw_tls_has_waited(const struct kw_facts *f);

/* Does the connection speak HTTP/2, or may it? */
bool kw_tls_may_be_h2(const struct kw_tls_facts *tls);

#endif
