/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/user_file.h"

#define PIECE 65536U

struct kw_input {
	int fd;
	bool opened;             /* the first bytes have said whether they are compressed */
	bool ended;              /* the whole rest of the file is in the piece */
	ZSTD_DCtx *decompressor; /* owned; NULL: bytes are as they are */
	ZSTD_inBuffer left;      /* of the piece */
	uint8_t piece[PIECE];
};

int kw_input_open(const char *path, struct kw_input **ret_input)
{
	struct kw_input *input = calloc(1, sizeof(*input));

	if (!input)
		return -ENOMEM;
	input->fd = kw_user_open(path, O_RDONLY, 0);
	if (input->fd < 0) {
		int r = -errno;

		free(input);
		return r;
	}
	*ret_input = input;
	return 0;
}

void kw_input_close(struct kw_input *input)
{
	if (!input)
		return;
	kw_cleanup_fd(&input->fd);
	ZSTD_freeDCtx(input->decompressor);
	free(input);
}

/* Fills the piece if nothing is left of it. */
static int refill(struct kw_input *input)
{
	size_t filled = 0;

	if (input->left.pos < input->left.size || input->ended)
		return 0;
	while (filled < PIECE) {
		ssize_t got = read(input->fd, input->piece + filled, PIECE - filled);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) {
			input->ended = true;
			break;
		}
		filled += (size_t)got;
	}
	input->left = (ZSTD_inBuffer){.src = input->piece, .size = filled};
	return 0;
}

/* Looks at the first bytes. */
static int begin(struct kw_input *input)
{
	const uint32_t magic = ZSTD_MAGICNUMBER;
	int r = refill(input);

	if (r < 0 || input->opened)
		return r;
	input->opened = true;
	if (input->left.size < sizeof(magic) || memcmp(input->piece, &magic, sizeof(magic)) != 0)
		return 0;
	input->decompressor = ZSTD_createDCtx();
	if (!input->decompressor)
		return -ENOMEM;
	ZSTD_DCtx_setParameter(input->decompressor, ZSTD_d_windowLogMax, KW_INPUT_WINDOW_LOG);
	return 0;
}

/* Moves bytes from the piece to @into. */
static int take(struct kw_input *input, ZSTD_outBuffer *into)
{
	ZSTD_inBuffer *left = &input->left;
	size_t n = left->size - left->pos;

	if (input->decompressor)
		return ZSTD_isError(ZSTD_decompressStream(input->decompressor, into, left)) ? -EBADMSG : 0;
	if (n > into->size - into->pos)
		n = into->size - into->pos;
	memcpy((uint8_t *)into->dst + into->pos, input->piece + left->pos, n);
	into->pos += n;
	left->pos += n;
	return 0;
}

int kw_input_read(struct kw_input *input, void *ret_bytes, size_t size, size_t *ret_size)
{
	ZSTD_outBuffer into = {.dst = ret_bytes, .size = size};
	int r = begin(input);

	while (r == 0 && into.pos < into.size) {
		size_t before = into.pos;

		r = refill(input);
		if (r == 0)
			r = take(input, &into);
		if (input->ended && input->left.pos == input->left.size && into.pos == before)
			break; /* nor does the decompressor hold back any more */
	}
	*ret_size = into.pos;
	return r;
}
