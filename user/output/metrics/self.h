/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics that are about the exporter itself, without role and service. */
#ifndef KEEPWATCH_METRICS_OWN_H
#define KEEPWATCH_METRICS_OWN_H

#include "output/metrics/exposition.h"
#include "output/metrics/metrics.h"

/* Of a replay (no process) only what the recording tells. */
void kw_metrics_write_own(struct kw_exposition *out, const struct kw_metrics *metrics);

#endif
