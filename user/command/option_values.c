/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/option_values.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/user_file.h"
#include "base/words.h"
#include "join/path.h"
#include "judge/judge.h"
#include "recording/recording.h"

#define RING_LEAST (64U << 10) /* the largest page that Linux has: the kernel wants whole pages */
#define RING_MOST (1024U << 20)
#define FILE_LEAST (1ULL << 20) /* more than one event with all that belongs to it */
#define FILE_MOST (1ULL << 50)
#define DURATION_MOST (366 * 24 * 3600 * KW_S)

/* A decimal number of digits alone from @least to @most, and what follows it. */
static int number_prefix(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number,
			 const char **ret_rest)
{
	uint64_t number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || number < least || number > most)
		return -EINVAL;
	*ret_number = number;
	*ret_rest = end;
	return 0;
}

static int number(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
	const char *rest;
	uint64_t result;

	if (number_prefix(text, least, most, &result, &rest) < 0 || *rest)
		return -EINVAL;
	*ret_number = result;
	return 0;
}

static int duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"ms", KW_MS}, {"s", KW_S}, {"m", 60 * KW_S}, {"h", 3600 * KW_S}};
	const char *unit;
	uint64_t amount;

	if (number_prefix(text, 1, DURATION_MOST / KW_MS, &amount, &unit) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (amount > DURATION_MOST / units[i].ns)
			return -EINVAL;
		*ret_ns = amount * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

/* Calls @each with every member of a comma list; an empty one is an error. */
static int list(struct kw_options *options, const char *value,
		int (*each)(struct kw_options *options, const char *member))
{
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy;
	char *member;

	if (!copy)
		return -ENOMEM;
	while ((member = strsep(&rest, ",")))
		if (each(options, kw_trim(member)) < 0)
			return -EINVAL;
	return 0;
}

/* The index of @text in @names, or -EINVAL. */
static int choice(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -EINVAL;
}

/* ---- every observing command ---- */

static int add_port(struct kw_options *options, const char *member)
{
	uint64_t port;

	if (number(member, 1, 65535, &port) < 0 || options->filter.port_count == KW_PORTS)
		return -EINVAL;
	options->filter.ports[options->filter.port_count++] = (uint16_t)port;
	return 0;
}

int kw_set_port(struct kw_options *options, const char *value)
{
	return list(options, value, add_port);
}

int kw_set_pid(struct kw_options *options, const char *value)
{
	uint64_t pid;

	if (number(value, 1, INT32_MAX, &pid) < 0)
		return -EINVAL;
	options->filter.pid = (uint32_t)pid;
	return 0;
}

int kw_set_comm(struct kw_options *options, const char *value)
{
	size_t length = strlen(value);

	if (length == 0 || length >= KW_COMM)
		return -EINVAL;
	memset(options->filter.comm, 0, KW_COMM);
	memcpy(options->filter.comm, value, length);
	options->filter.filter_comm = 1;
	return 0;
}

int kw_set_role(struct kw_options *options, const char *value)
{
	static const char *const names[] = {"client", "server"};
	int at = choice(value, names, 2);

	if (at < 0)
		return at;
	options->filter.role = at == 0 ? KW_ROLE_CLIENT : KW_ROLE_SERVER;
	return 0;
}

/* The name of a file, in place of an earlier one. */
static int set_file(char **file, const char *value)
{
	char *copy = value[0] ? strdup(value) : NULL;

	if (!copy)
		return -EINVAL;
	free(*file);
	*file = copy;
	return 0;
}

int kw_set_btf(struct kw_options *options, const char *value)
{
	return set_file(&options->btf, value);
}

int kw_set_front_end(struct kw_options *options, const char *value)
{
	for (enum kw_front_end i = KW_FRONT_END_ANY + 1; i < KW_FRONT_END_MAX; i++)
		if (strcmp(value, kw_front_end_name(i)) == 0) {
			options->front_end = i;
			return 0;
		}
	return -EINVAL;
}

/* The namespace is known by its inode from now on, so that its file need not be there later. */
int kw_set_netns(struct kw_options *options, const char *value)
{
	_cleanup_fd_ int fd = kw_user_read(value);
	struct stat status;

	if (fd < 0 || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &status) < 0)
		return -EINVAL;
	options->filter.netns = (__u32)status.st_ino;
	return 0;
}

int kw_set_net(struct kw_options *options, const char *value)
{
	struct kw_network network;

	if (kw_network_parse(value, &network) < 0)
		return -EINVAL;
	memcpy(options->filter.net, network.address, KW_ADDRESS);
	memcpy(options->filter.net_mask, network.mask, KW_ADDRESS);
	options->filter.filter_net = 1;
	return 0;
}

/* A number of bytes up to @most, with or without a unit. */
static int read_size(const char *value, uint64_t most, uint64_t *ret_size)
{
	static const struct {
		const char *text;
		unsigned int shift;
	} units[] = {{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}};
	const char *unit;
	uint64_t size;

	if (number_prefix(value, 1, most, &size, &unit) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].text) == 0 && size <= most >> units[i].shift) {
			*ret_size = size << units[i].shift;
			return 0;
		}
	return -EINVAL;
}

int kw_set_ring_size(struct kw_options *options, const char *value)
{
	uint64_t size;

	if (read_size(value, RING_MOST, &size) < 0 || size < RING_LEAST || (size & (size - 1)))
		return -EINVAL;
	options->ring_size = (uint32_t)size;
	return 0;
}

int kw_set_max_size(struct kw_options *options, const char *value)
{
	uint64_t size;

	if (read_size(value, FILE_MOST, &size) < 0 || size < FILE_LEAST)
		return -EINVAL;
	options->max_size = size;
	return 0;
}

int kw_set_max_files(struct kw_options *options, const char *value)
{
	uint64_t files;

	if (number(value, 2, KW_RECORDING_FILES, &files) < 0)
		return -EINVAL;
	options->max_files = (unsigned int)files;
	return 0;
}

int kw_set_compress(struct kw_options *options, const char *value)
{
	(void)value;
	options->compress = true;
	return 0;
}

int kw_set_verbose(struct kw_options *options, const char *value)
{
	(void)value;
	options->verbosity = 1;
	return 0;
}

int kw_set_quiet(struct kw_options *options, const char *value)
{
	(void)value;
	options->verbosity = -1;
	return 0;
}

/* ---- run ---- */

int kw_set_listen(struct kw_options *options, const char *value)
{
	struct sockaddr_storage address;
	socklen_t length;
	char *copy;

	if (kw_endpoint_parse(value, &address, &length) < 0)
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(options->listen);
	options->listen = copy;
	options->listen_address = address;
	options->listen_length = length;
	return 0;
}

int kw_set_allow_remote(struct kw_options *options, const char *value)
{
	(void)value;
	options->allow_remote = true;
	return 0;
}

int kw_set_web_config(struct kw_options *options, const char *value)
{
	return set_file(&options->web_config, value);
}

int kw_set_services(struct kw_options *options, const char *value)
{
	uint64_t services;

	if (number(value, 1, 10000, &services) < 0)
		return -EINVAL;
	options->services = (uint32_t)services;
	return 0;
}

int kw_set_service_by(struct kw_options *options, const char *value)
{
	static const char *const names[KW_SERVICE_BY_MAX] = {
		[KW_SERVICE_BY_COMM] = "comm",
		[KW_SERVICE_BY_CGROUP] = "cgroup",
		[KW_SERVICE_BY_CONTAINER] = "container",
		[KW_SERVICE_BY_PORT] = "port",
	};
	int at = choice(value, names, KW_SERVICE_BY_MAX);

	if (at < 0)
		return at;
	options->namer.by = (enum kw_service_by)at;
	return 0;
}

/* A name becomes a label and a part of records: letters, digits and a few marks will do. */
static bool is_network_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < KW_PEER_NAME &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

static int add_network(struct kw_options *options, const char *member)
{
	struct kw_namer *namer = &options->namer;
	struct kw_named_network entry = {0};
	_cleanup_free_ char *copy = strdup(member);
	struct kw_named_network *grown;
	char *equals;

	if (!copy)
		return -ENOMEM;
	equals = strchr(copy, '=');
	if (!equals || !is_network_name(equals + 1))
		return -EINVAL;
	*equals = '\0';
	if (kw_network_parse(copy, &entry.network) < 0)
		return -EINVAL;
	strcpy(entry.name, equals + 1);
	grown = reallocarray(namer->networks, namer->network_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	namer->networks = grown;
	namer->networks[namer->network_count++] = entry;
	return 0;
}

int kw_set_networks(struct kw_options *options, const char *value)
{
	return list(options, value, add_network);
}

int kw_set_window(struct kw_options *options, const char *value)
{
	return duration(value, &options->window);
}

int kw_set_log_premature(struct kw_options *options, const char *value)
{
	(void)value;
	options->log_premature = true;
	return 0;
}

/* ---- trace ---- */

int kw_set_json(struct kw_options *options, const char *value)
{
	(void)value;
	options->json = true;
	return 0;
}

int kw_set_exchanges(struct kw_options *options, const char *value)
{
	(void)value;
	options->filter.exchanges = 1;
	return 0;
}

int kw_set_tls(struct kw_options *options, const char *value)
{
	(void)value;
	options->tls = true;
	return 0;
}

int kw_set_server_names(struct kw_options *options, const char *value)
{
	(void)value;
	options->filter.server_names = 1;
	return 0;
}

int kw_set_premature(struct kw_options *options, const char *value)
{
	(void)value;
	options->premature = true;
	return 0;
}

static int add_reason(struct kw_options *options, const char *member)
{
	enum kw_path_reason path = kw_path_reason_by_name(member);
	enum kw_reason reason = kw_reason_by_name(member);

	if (path < KW_PATH_MAX)
		options->reasons |= 1ULL << (KW_REASON_MAX + path);
	else if (reason < KW_REASON_MAX)
		options->reasons |= 1ULL << reason;
	else
		return -EINVAL;
	return 0;
}

int kw_set_reason(struct kw_options *options, const char *value)
{
	return list(options, value, add_reason);
}

int kw_set_count(struct kw_options *options, const char *value)
{
	return number(value, 1, UINT64_MAX, &options->count);
}

int kw_set_for(struct kw_options *options, const char *value)
{
	return duration(value, &options->duration);
}

int kw_set_open(struct kw_options *options, const char *value)
{
	(void)value;
	options->open = true;
	return 0;
}

/* ---- top ---- */

int kw_set_once(struct kw_options *options, const char *value)
{
	(void)value;
	options->once = true;
	return 0;
}

/* Counters move once a second. */
int kw_set_interval(struct kw_options *options, const char *value)
{
	uint64_t interval;

	if (duration(value, &interval) < 0 || interval < KW_S)
		return -EINVAL;
	options->interval = interval;
	return 0;
}

int kw_set_replay(struct kw_options *options, const char *value)
{
	return set_file(&options->replay, value);
}

/* ---- report, replay ---- */

int kw_set_every(struct kw_options *options, const char *value)
{
	return duration(value, &options->every);
}

int kw_set_fail_on(struct kw_options *options, const char *value)
{
	for (enum kw_severity severity = 0; severity < KW_SEVERITY_MAX; severity++)
		if (strcmp(value, kw_severity_name(severity)) == 0) {
			options->fail_on = severity;
			return 0;
		}
	return -EINVAL;
}

int kw_set_pair(struct kw_options *options, const char *value)
{
	(void)value;
	options->pair = true;
	return 0;
}

int kw_set_as(struct kw_options *options, const char *value)
{
	static const char *const names[] = {"trace", "report", "metrics"};
	static const enum kw_command commands[] = {KW_COMMAND_TRACE, KW_COMMAND_REPORT, KW_COMMAND_RUN};
	int at = choice(value, names, 3);

	if (at < 0)
		return at;
	options->replay_as = commands[at];
	return 0;
}
