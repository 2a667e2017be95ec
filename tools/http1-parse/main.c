/* SPDX-License-Identifier: BSD-2-Clause */
/* http1-parse: reads a raw stream with the HTTP/1.x machine and prints one JSON object per message. For conformance
 * tests and for captures; it compiles the same code that runs in the kernel. */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "tools/http1-parse/stream.h"

static const char usage[] =
	"usage: http1-parse --requests [options] < FILE\n"
	"       http1-parse --responses [--methods METHOD,...] [options] < FILE\n"
	"  --methods METHOD,...  the methods of the requests that the responses answer, in order\n"
	"  --cut N               feed the stream in pieces of N bytes\n"
	"  --cut-all             try every cut into two pieces; fail unless all agree\n"
	"  --eof                 the stream ends because the connection was closed\n";

struct options {
	int direction; /* enum http1_direction, or -1 before it is known */
	const char *methods;
	size_t cut; /* 0: whole */
	bool cut_all;
	bool eof;
};

struct input {
	__u8 *bytes; /* owned */
	size_t length;
};

static void cleanup_input(struct input *input)
{
	free(input->bytes);
}

/* A buffer that is followed by an unmapped page, so that a read beyond its end crashes. */
struct guarded {
	__u8 *map; /* owned */
	size_t size;
	__u8 *end;
};

static void cleanup_guarded(struct guarded *guarded)
{
	if (guarded->map)
		munmap(guarded->map, guarded->size);
}

static int guarded_new(size_t length, struct guarded *ret_guarded)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t readable = (length + page) / page * page;
	__u8 *map = mmap(NULL, readable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	*ret_guarded = (struct guarded){.map = map, .size = readable + page, .end = map + readable};
	return mprotect(map + readable, page, PROT_NONE) ? -errno : 0;
}

static int read_input(struct input *ret_input)
{
	_cleanup_free_ __u8 *bytes = NULL;
	size_t length = 0, room = 0;

	for (;;) {
		if (length == room) {
			__u8 *larger = realloc(bytes, room = room * 2 + 65536);

			if (!larger)
				return -ENOMEM;
			bytes = larger;
		}
		ssize_t got = read(STDIN_FILENO, bytes + length, room - length);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got)
			break;
		length += got > 0 ? got : 0;
	}
	*ret_input = (struct input){.bytes = kw_take(bytes), .length = length};
	return 0;
}

/* Feeds the input: a first piece of @first bytes, then pieces of @rest bytes. */
static void feed(const struct options *options, const struct input *input, const struct guarded *guarded,
		 size_t first, size_t rest, FILE *output)
{
	struct kw_parse_stream stream;
	size_t size = first;

	kw_parse_begin(&stream, options->direction, options->methods, output);
	for (size_t at = 0; at < input->length; at += size, size = rest) {
		if (size > input->length - at)
			size = input->length - at;
		memcpy(guarded->end - size, input->bytes + at, size);
		kw_parse_feed(&stream, guarded->end - size, size);
	}
	kw_parse_end(&stream, options->eof);
}

/* Feeds the input and collects the output in memory. Returns 0 and the text, which the caller owns. */
static int feed_to_text(const struct options *options, const struct input *input, const struct guarded *guarded,
			size_t first, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *memory = open_memstream(&text, &length);

	if (!memory)
		return -errno;
	feed(options, input, guarded, first, input->length, memory);
	if (fclose(memory))
		return -errno;
	*ret_text = kw_take(text);
	return 0;
}

/* Returns 0, a negative errno, or 1 if a cut changes the result. */
static int feed_all_cuts(const struct options *options, const struct input *input,
			 const struct guarded *guarded)
{
	_cleanup_free_ char *whole = NULL;
	int r = feed_to_text(options, input, guarded, input->length, &whole);

	for (size_t cut = 1; !r && cut < input->length; cut++) {
		_cleanup_free_ char *text = NULL;

		r = feed_to_text(options, input, guarded, cut, &text);
		if (!r && strcmp(text, whole) != 0) {
			fprintf(stderr, "http1-parse: cut after byte %zu, the stream says:\n%s", cut, text);
			r = 1;
		}
	}
	if (whole)
		fputs(whole, stdout);
	return r;
}

static bool is_method_list(const char *methods)
{
	size_t length = 0;

	for (;; methods++) {
		if (*methods && *methods != ',') {
			if (!http1_is_token(*methods))
				return false;
			length++;
		} else if (!length) {
			return false;
		} else if (!*methods) {
			return true;
		} else {
			length = 0;
		}
	}
}

static int parse_size(const char *text, size_t *ret_size)
{
	char *end;
	unsigned long long size;

	errno = 0;
	size = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !size || size > SIZE_MAX)
		return -EINVAL;
	*ret_size = size;
	return 0;
}

static int bad_usage(const char *what)
{
	if (what)
		fprintf(stderr, "http1-parse: %s\n", what);
	fputs(usage, stderr);
	return -EINVAL;
}

static int parse_option(int option, const char *value, struct options *options)
{
	switch (option) {
	case 'q':
	case 's':
		if (options->direction >= 0)
			return bad_usage("give one of --requests and --responses");
		options->direction = option == 'q' ? HTTP1_REQUESTS : HTTP1_RESPONSES;
		return 0;
	case 'm':
		options->methods = value;
		return is_method_list(value) ? 0 : bad_usage("--methods needs methods, separated by commas");
	case 'c':
		return parse_size(value, &options->cut) ? bad_usage("--cut needs a number of bytes") : 0;
	case 'a':
		options->cut_all = true;
		return 0;
	case 'e':
		options->eof = true;
		return 0;
	default:
		return bad_usage(NULL); /* getopt has said why */
	}
}

static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option known[] = {
		{"requests", no_argument, NULL, 'q'},
		{"responses", no_argument, NULL, 's'},
		{"methods", required_argument, NULL, 'm'},
		{"cut", required_argument, NULL, 'c'},
		{"cut-all", no_argument, NULL, 'a'},
		{"eof", no_argument, NULL, 'e'},
		{},
	};
	struct options options = {.direction = -1};
	int option, r;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		r = parse_option(option, optarg, &options);
		if (r)
			return r;
	}
	if (optind < argc)
		return bad_usage("reads standard input and takes no file name");
	if (options.direction < 0)
		return bad_usage("give one of --requests and --responses");
	if (options.methods && options.direction == HTTP1_REQUESTS)
		return bad_usage("--methods goes with --responses");
	if (options.cut && options.cut_all)
		return bad_usage("give one of --cut and --cut-all");
	*ret_options = options;
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(cleanup_input) struct input input = {};
	_cleanup_(cleanup_guarded) struct guarded guarded = {};
	struct options options;
	int r;

	if (parse_options(argc, argv, &options))
		return 2;
	r = read_input(&input);
	if (!r)
		r = guarded_new(input.length, &guarded);
	if (!r && options.cut_all)
		r = feed_all_cuts(&options, &input, &guarded);
	else if (!r)
		feed(&options, &input, &guarded, options.cut ? options.cut : input.length,
		     options.cut ? options.cut : input.length, stdout);
	if (!r && (fflush(stdout) || ferror(stdout)))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "http1-parse: %s\n", strerror(-r));
	return r ? 1 : 0;
}
