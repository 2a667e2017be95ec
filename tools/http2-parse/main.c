/* SPDX-License-Identifier: BSD-2-Clause */
/* http2-parse: reads an HTTP/2 connection with the HTTP/2 machine and prints one JSON object per frame, then one per stream, then
 * one of the connection. For conformance tests and for captures; it compiles the same code that the kernel side is to run.
 *
 * Standard input is a list of calls: a byte with the direction (0: the client sends, 1: the server), two bytes with a length,
 * the higher first, and so many bytes. tests/fuzz/seeds/http2 has some. */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tools/http2-parse/follow.h"

#define CALL 3 /* bytes before those of a call */
#define CALL_MOST 65535

static const char usage[] =
	"usage: http2-parse [options] < CALLS\n"
	"       http2-parse [options] --client FILE --server FILE\n"
	"  --client FILE, --server FILE  all bytes of one direction; those of the client are read first\n"
	"  --upgraded                    stream 1 is a request of HTTP/1.1 that asked for the upgrade\n"
	"  --cut N                       feed each call in pieces of N bytes\n"
	"  --cut-all                     try every cut of each call into two pieces; fail unless all agree\n";

struct options {
	const char *files[2]; /* by enum http2_direction */
	bool upgraded;
	size_t cut; /* 0: whole */
	bool cut_all;
};

struct input {
	__u8 *bytes; /* owned: a list of calls */
	size_t length;
};

static void cleanup_input(struct input *input)
{
	free(input->bytes);
}

/* A buffer that is followed by an unmapped page, so that a read beyond its end crashes. */
static __u8 *guarded_end(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), readable = (CALL_MOST + page) / page * page;
	__u8 *map = mmap(NULL, readable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + readable, page, PROT_NONE))
		return NULL;
	return map + readable;
}

static int append(struct input *input, const void *bytes, size_t n)
{
	__u8 *larger = realloc(input->bytes, input->length + n);

	if (!larger)
		return -ENOMEM;
	memcpy(larger + input->length, bytes, n);
	*input = (struct input){.bytes = larger, .length = input->length + n};
	return 0;
}

/* Appends a file, as it is, or as calls of a direction. */
static int read_file(FILE *file, int direction, struct input *input)
{
	static __u8 room[CALL + CALL_MOST];
	size_t n;
	int r = 0;

	while (!r && (n = fread(room + CALL, 1, CALL_MOST, file)) > 0) {
		room[0] = (__u8)direction;
		room[1] = (__u8)(n >> 8);
		room[2] = (__u8)n;
		r = direction < 0 ? append(input, room + CALL, n) : append(input, room, CALL + n);
	}
	return ferror(file) ? -EIO : r;
}

static int read_inputs(const struct options *options, struct input *input)
{
	int r = 0;

	if (!options->files[HTTP2_CLIENT])
		return read_file(stdin, -1, input);
	for (int direction = 0; !r && direction < 2; direction++) {
		FILE *file = fopen(options->files[direction], "re");

		if (!file)
			return -errno;
		r = read_file(file, direction, input);
		fclose(file);
	}
	return r;
}

/* Feeds a call: a first piece of @first bytes, then pieces of @rest bytes. */
static void feed_call(struct kw_http2_follow *follow, __u8 *end, enum http2_direction direction,
		      const __u8 *bytes, size_t n, size_t first, size_t rest)
{
	size_t size = first;

	for (size_t at = 0; at < n; at += size, size = rest) {
		if (size > n - at)
			size = n - at;
		memcpy(end - size, bytes + at, size);
		kw_http2_follow_feed(follow, direction, end - size, size);
	}
}

/* Feeds all calls, each one cut behind its first @first bytes, and every @rest bytes from there. */
static void feed(const struct options *options, const struct input *input, __u8 *end, size_t first, size_t rest,
		 FILE *output)
{
	struct kw_http2_follow follow;
	size_t at = 0;

	kw_http2_follow_begin(&follow, options->upgraded, output);
	while (at + CALL <= input->length) {
		const __u8 *call = input->bytes + at;
		size_t n = (size_t)call[1] << 8 | call[2];

		if (n > input->length - at - CALL)
			n = input->length - at - CALL;
		feed_call(&follow, end, call[0] & 1, call + CALL, n, first, rest);
		at += CALL + n;
	}
	kw_http2_follow_end(&follow);
}

/* Feeds the input and collects the output in memory. Returns 0 and the text, which the caller owns. */
static int feed_to_text(const struct options *options, const struct input *input, __u8 *end, size_t first,
			char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *memory = open_memstream(&text, &length);

	if (!memory)
		return -errno;
	feed(options, input, end, first, CALL_MOST, memory);
	if (fclose(memory))
		return -errno;
	*ret_text = TAKE_PTR(text);
	return 0;
}

/* Returns 0, a negative errno, or 1 if a cut changes the result. */
static int feed_all_cuts(const struct options *options, const struct input *input, __u8 *end)
{
	_cleanup_free_ char *whole = NULL;
	int r = feed_to_text(options, input, end, CALL_MOST, &whole);

	for (size_t cut = 1; !r && cut < input->length && cut < CALL_MOST; cut++) {
		_cleanup_free_ char *text = NULL;

		r = feed_to_text(options, input, end, cut, &text);
		if (!r && strcmp(text, whole) != 0) {
			fprintf(stderr,
				"http2-parse: cut after byte %zu of each call, the connection says:\n%s", cut,
				text);
			r = 1;
		}
	}
	if (whole)
		fputs(whole, stdout);
	return r;
}

static int parse_size(const char *text, size_t *ret_size)
{
	char *end;
	unsigned long long size;

	errno = 0;
	size = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !size || size > CALL_MOST)
		return -EINVAL;
	*ret_size = size;
	return 0;
}

static int bad_usage(const char *what)
{
	if (what)
		fprintf(stderr, "http2-parse: %s\n", what);
	fputs(usage, stderr);
	return -EINVAL;
}

static int parse_option(int option, const char *value, struct options *options)
{
	switch (option) {
	case 'q':
		options->files[HTTP2_CLIENT] = value;
		return 0;
	case 's':
		options->files[HTTP2_SERVER] = value;
		return 0;
	case 'u':
		options->upgraded = true;
		return 0;
	case 'c':
		return parse_size(value, &options->cut)
			       ? bad_usage("--cut needs a number of bytes, at most 65535")
			       : 0;
	case 'a':
		options->cut_all = true;
		return 0;
	default:
		return bad_usage(NULL); /* getopt has said why */
	}
}

static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option known[] = {
		{"client", required_argument, NULL, 'q'}, {"server", required_argument, NULL, 's'},
		{"upgraded", no_argument, NULL, 'u'},     {"cut", required_argument, NULL, 'c'},
		{"cut-all", no_argument, NULL, 'a'},      {},
	};
	struct options options = {};
	int option, r;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		r = parse_option(option, optarg, &options);
		if (r)
			return r;
	}
	if (optind < argc)
		return bad_usage("files are named by --client and --server");
	if (!options.files[HTTP2_CLIENT] != !options.files[HTTP2_SERVER])
		return bad_usage("--client and --server go together");
	if (options.cut && options.cut_all)
		return bad_usage("give one of --cut and --cut-all");
	*ret_options = options;
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(cleanup_input) struct input input = {};
	struct options options;
	__u8 *end;
	int r;

	if (parse_options(argc, argv, &options))
		return 2;
	end = guarded_end();
	r = end ? read_inputs(&options, &input) : -ENOMEM;
	if (!r && options.cut_all)
		r = feed_all_cuts(&options, &input, end);
	else if (!r)
		feed(&options, &input, end, options.cut ? options.cut : CALL_MOST,
		     options.cut ? options.cut : CALL_MOST, stdout);
	if (!r && (fflush(stdout) || ferror(stdout)))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "http2-parse: %s\n", strerror(-r));
	return r ? 1 : 0;
}
