/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract's names for a verdict's fields; a reason's name stands beside its rule. */
#include "judge/terms.h"

static const char *const closers[KW_CLOSER_MAX] = {
	[KW_CLOSER_UNKNOWN] = "unknown",
	[KW_CLOSER_CLIENT] = "client",
	[KW_CLOSER_SERVER] = "server",
	[KW_CLOSER_NETWORK] = "network",
};

static const char *const manners[KW_MANNER_MAX] = {
	[KW_MANNER_UNKNOWN] = "unknown", [KW_MANNER_FIN] = "fin",
	[KW_MANNER_RST] = "rst",         [KW_MANNER_TIMEOUT] = "timeout",
	[KW_MANNER_REFUSED] = "refused", [KW_MANNER_UNREACHABLE] = "unreachable",
};

static const char *const phases[KW_PHASE_MAX] = {
	[KW_PHASE_UNKNOWN] = "unknown", [KW_PHASE_CONNECTING] = "connecting",
	[KW_PHASE_UNUSED] = "unused",   [KW_PHASE_REQUEST] = "request",
	[KW_PHASE_WAITING] = "waiting", [KW_PHASE_RESPONSE] = "response",
	[KW_PHASE_IDLE] = "idle",       [KW_PHASE_TUNNEL] = "tunnel",
	[KW_PHASE_OPAQUE] = "opaque",   [KW_PHASE_HANDSHAKE] = "handshake",
};

static const char *const confidences[KW_CONFIDENCE_MAX] = {
	[KW_CONFIDENCE_UNKNOWN] = "unknown",
	[KW_CONFIDENCE_INFERRED] = "inferred",
	[KW_CONFIDENCE_CERTAIN] = "certain",
};

static const char *name_in(const char *const *names, unsigned int count, unsigned int value)
{
	return value < count ? names[value] : names[0];
}

const char *kw_closer_name(enum kw_closer closer)
{
	return name_in(closers, KW_CLOSER_MAX, closer);
}

const char *kw_manner_name(enum kw_manner manner)
{
	return name_in(manners, KW_MANNER_MAX, manner);
}

const char *kw_phase_name(enum kw_phase phase)
{
	return name_in(phases, KW_PHASE_MAX, phase);
}

const char *kw_confidence_name(enum kw_confidence confidence)
{
	return name_in(confidences, KW_CONFIDENCE_MAX, confidence);
}
