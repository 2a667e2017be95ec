/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/cleanup.h"

#define GZIP_WINDOW (15 + 16) /* 15: the largest window; 16: makes zlib write gzip's header and trailer */
#define MEMORY 8              /* zlib's default */

int kw_gzip(const char *text, size_t length, char **ret_packed, size_t *ret_length)
{
	_cleanup_free_ char *packed = NULL;
	z_stream stream = {0};
	size_t room;
	int r;

	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&stream, length);
	packed = malloc(room);
	stream.next_in = (Bytef *)text;
	stream.avail_in = (uInt)length;
	stream.next_out = (Bytef *)packed;
	stream.avail_out = (uInt)room;
	r = packed ? deflate(&stream, Z_FINISH) : Z_MEM_ERROR;
	deflateEnd(&stream);
	if (r != Z_STREAM_END)
		return -ENOMEM;
	*ret_packed = kw_take(packed);
	*ret_length = stream.total_out;
	return 0;
}
