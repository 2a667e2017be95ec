/* SPDX-License-Identifier: BSD-2-Clause */
/* From the options to the settings of each part: the parts know nothing of a command line. */
#ifndef KEEPWATCH_SETTINGS_H
#define KEEPWATCH_SETTINGS_H

#include "command/options.h"
#include "output/report/reporter.h"
#include "output/top/viewer.h"
#include "output/trace/tracer.h"

/* @options must outlive what is opened with the results. @window: ns that findings look back; 0 means to the start. */
struct kw_intake_settings kw_settings_intake(const struct kw_options *options, uint64_t window);

/* A report covers the whole observation. */
struct kw_reporter_settings kw_settings_report(const struct kw_options *options);

/* @host: see struct kw_viewer_settings. */
struct kw_viewer_settings kw_settings_viewer(const struct kw_options *options, const char *host);

/* @at_once: each line is handed to the reader as it is written. */
struct kw_tracer_settings kw_settings_trace(const struct kw_options *options, bool at_once);

#endif
