/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics about keepwatch itself, without the labels role and service. */
#ifndef KEEPWATCH_METRICS_OWN_H
#define KEEPWATCH_METRICS_OWN_H

#include "output/metrics/exposition.h"
#include "output/metrics/metrics.h"

/* In a replay (process is NULL) writes only the metrics that follow from the recording. */
void kw_metrics_write_own(struct kw_exposition *out, const struct kw_metrics *metrics);

#endif
