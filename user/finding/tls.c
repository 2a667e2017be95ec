/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about TLS. */
#include <inttypes.h>

#include "base/words.h"
#include "event/tls_names.h"
#include "finding/assess.h"

#define FAILED_SHARE 0.01
#define UNCLEAN_SHARE 0.01
#define UNCLEAN_LEAST 5 /* fewer are accidents */

/* Advice for the commonest alerts. */
static const struct meaning {
	uint8_t code;
	const char *advice;
} meanings[] = {
	{48,
	 "The client does not trust the issuer of the server's certificate: give it that certificate, and let the "
	 "server send its whole chain."},
	{42,
	 "The certificate is not accepted, mostly because it is for another name: compare its names with the one "
	 "that the client asks for."},
	{45, "The certificate has expired: renew it, and let the server load it."},
	{46,
	 "The certificate is not accepted: see openssl s_client -connect HOST:PORT -servername NAME -showcerts."},
	{40, "The two sides have no cipher suite in common, or the server wants a certificate of the client."},
	{70,
	 "The two sides have no version of TLS in common: compare ssl_protocols (nginx), ssl-min-ver (HAProxy) "
	 "with what the client allows."},
	{112,
	 "The server has no certificate for the name that the client sends: compare its names with the address "
	 "that the client is given."},
	{116, "The server wants a certificate of the client, which has sent none."},
	{120,
	 "The server speaks none of the protocols that the client offers by ALPN: compare them, such as h2 and "
	 "http/1.1."},
	{TLS_CODE_HIDDEN, "The alert was encrypted, so only the programs' own logs say which one it was."},
};

static const char *meaning_of(uint8_t code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code)
			return meanings[i].advice;
	return "The programs' own logs say more: keepwatch explain tls_handshake_failed.";
}

bool kw_raise_tls_handshakes_fail(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_tls_alerts *alerts = &a->sum.tls;
	const struct kw_tls_alert_row *most = kw_tls_alerts_commonest(alerts);
	double share = alerts->handshakes ? (double)alerts->failed / (double)alerts->handshakes : 0;
	const char *by;

	if (!alerts->failed || share < FAILED_SHARE || !most)
		return false;
	by = most->by == 1 + TLS_CLIENT ? "client" : "server";
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "failed", alerts->failed);
	kw_finding_count(f, "handshakes", alerts->handshakes);
	kw_finding_number(f, "share", KW_NUMBER_SHARE, share);
	kw_finding_text(f, "alert", kw_tls_alert_name(most->code));
	kw_finding_text(f, "by", by);
	kw_finding_count(f, "with_this_alert", most->count);
	kw_finding_summarise(f,
			     "%" PRIu64 " of %" PRIu64
			     " TLS handshake%s failed by an alert. The commonest is %s, sent "
			     "by the %s: %" PRIu64 " time%s.",
			     alerts->failed, alerts->handshakes, kw_plural(alerts->handshakes),
			     kw_tls_alert_name(most->code), by, most->count, kw_plural(most->count));
	kw_finding_advise(f, "%s", meaning_of(most->code));
	return true;
}

/* ---- tls_unclean_closes ---- */

/* Whether closes by this side are often enough unclean to be its habit. */
static bool is_habit(const struct kw_tls_ends *ends, enum tls_direction by)
{
	return ends->unclean[by] >= UNCLEAN_LEAST &&
	       (double)ends->unclean[by] > UNCLEAN_SHARE * (double)ends->closed[by];
}

/* The side's program, if it is on this host and known. */
static void summarise_side(struct kw_finding *f, const struct kw_tls_ends *ends, enum tls_direction by,
			   const struct kw_software *software)
{
	kw_finding_summarise(
		f, "The %s%s closed %" PRIu64 " of %" PRIu64 " TLS connection%s without close_notify. ",
		by == TLS_CLIENT ? "clients" : "server", software->called, ends->unclean[by], ends->closed[by],
		kw_plural(ends->closed[by]));
}

bool kw_raise_tls_unclean_closes(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_tls_ends *ends = &a->sum.tls_ends;
	bool client = is_habit(ends, TLS_CLIENT), server = is_habit(ends, TLS_SERVER);

	if (!client && !server)
		return false;
	f->severity = server ? KW_SEVERITY_WARNING : KW_SEVERITY_INFO;
	kw_finding_count(f, "unclean_by_client", ends->unclean[TLS_CLIENT]);
	kw_finding_count(f, "closed_by_client", ends->closed[TLS_CLIENT]);
	kw_finding_count(f, "unclean_by_server", ends->unclean[TLS_SERVER]);
	kw_finding_count(f, "closed_by_server", ends->closed[TLS_SERVER]);
	if (server)
		summarise_side(f, ends, TLS_SERVER, a->server);
	if (client)
		summarise_side(f, ends, TLS_CLIENT, a->client);
	kw_finding_summarise(f, "Its peer cannot tell such an end from a cut.");
	if (server)
		kw_finding_advise(f,
				  "Let the server end each session before it closes: SSL_shutdown() (OpenSSL), "
				  "gnutls_bye() (GnuTLS). Without it OpenSSL 3 reports \"unexpected eof while "
				  "reading\" to the client, and a response whose end is the close may be cut "
				  "unnoticed: give each response a length.");
	if (client)
		kw_finding_advise(
			f, "Clients that close so lose nothing as long as they have their responses, but "
			   "the server's log may fill with errors: let them call SSL_shutdown() or "
			   "gnutls_bye() before they close.");
	kw_finding_advise(
		f, "A balancer or firewall on the way that ends idle connections closes so too, because it has "
		   "no keys: compare its idle timeout.");
	return true;
}
