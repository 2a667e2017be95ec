/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of options: one setter each, called with the text that was given (NULL for an option that takes
 * none). They return 0, or -EINVAL for a text that makes no sense; the caller words the message. */
#ifndef KEEPWATCH_OPTION_VALUES_H
#define KEEPWATCH_OPTION_VALUES_H

#include "command/options.h"

int kw_set_port(struct kw_options *options, const char *value);
int kw_set_pid(struct kw_options *options, const char *value);
int kw_set_comm(struct kw_options *options, const char *value);
int kw_set_role(struct kw_options *options, const char *value);
int kw_set_front_end(struct kw_options *options, const char *value);
int kw_set_btf(struct kw_options *options, const char *value);
int kw_set_netns(struct kw_options *options, const char *value);
int kw_set_net(struct kw_options *options, const char *value);
int kw_set_ring_size(struct kw_options *options, const char *value);
int kw_set_max_size(struct kw_options *options, const char *value);
int kw_set_max_files(struct kw_options *options, const char *value);
int kw_set_compress(struct kw_options *options, const char *value);
int kw_set_verbose(struct kw_options *options, const char *value);
int kw_set_quiet(struct kw_options *options, const char *value);

int kw_set_listen(struct kw_options *options, const char *value);
int kw_set_allow_remote(struct kw_options *options, const char *value);
int kw_set_web_config(struct kw_options *options, const char *value);
int kw_set_services(struct kw_options *options, const char *value);
int kw_set_service_by(struct kw_options *options, const char *value);
int kw_set_networks(struct kw_options *options, const char *value);
int kw_set_window(struct kw_options *options, const char *value);
int kw_set_log_premature(struct kw_options *options, const char *value);

int kw_set_json(struct kw_options *options, const char *value);
int kw_set_exchanges(struct kw_options *options, const char *value);
int kw_set_tls(struct kw_options *options, const char *value);
int kw_set_server_names(struct kw_options *options, const char *value);
int kw_set_premature(struct kw_options *options, const char *value);
int kw_set_reason(struct kw_options *options, const char *value);
int kw_set_count(struct kw_options *options, const char *value);
int kw_set_for(struct kw_options *options, const char *value);
int kw_set_open(struct kw_options *options, const char *value);

int kw_set_once(struct kw_options *options, const char *value);
int kw_set_interval(struct kw_options *options, const char *value);
int kw_set_replay(struct kw_options *options, const char *value);

int kw_set_every(struct kw_options *options, const char *value);
int kw_set_fail_on(struct kw_options *options, const char *value);
int kw_set_pair(struct kw_options *options, const char *value);
int kw_set_as(struct kw_options *options, const char *value);

#endif
