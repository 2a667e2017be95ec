/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/memory_stream.h"

#include <errno.h>
#include <stdbool.h>

#include "base/cleanup.h"

int kw_memory_stream_open(struct kw_memory_stream *stream)
{
	*stream = (struct kw_memory_stream){0};
	stream->file = open_memstream(&stream->text, &stream->length);
	return stream->file ? 0 : -ENOMEM;
}

int kw_memory_stream_take(struct kw_memory_stream *stream, char **ret_text, size_t *ret_length)
{
	bool failed = ferror(stream->file);

	if (fclose(TAKE_PTR(stream->file)) != 0 || failed)
		return -ENOMEM;
	*ret_text = TAKE_PTR(stream->text);
	*ret_length = stream->length;
	return 0;
}

void kw_memory_stream_close(struct kw_memory_stream *stream)
{
	if (stream->file)
		fclose(TAKE_PTR(stream->file));
	free(TAKE_PTR(stream->text));
}
