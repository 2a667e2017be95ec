/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about TLS. */
#include <inttypes.h>

#include "base/words.h"
#include "event/tls_names.h"
#include "finding/assess.h"

#define FAILED_SHARE 0.01

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
