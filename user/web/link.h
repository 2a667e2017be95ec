/* SPDX-License-Identifier: BSD-2-Clause */
/* The link between the two processes of the daemon: the one that reads the kernel's events, and that of the metrics port.
 * A finished text goes over it by a board, a file in memory that one side writes and the other copies; a short message says
 * that it is there. Neither side ever waits for the other: a board is written only when its last text was copied, so
 * there are never more messages under way than boards. */
#ifndef KEEPWATCH_WEB_LINK_H
#define KEEPWATCH_WEB_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/process.h"

enum kw_board {
	KW_BOARD_TEXT,                   /* /metrics in the text format */
	KW_BOARD_OPEN_METRICS,           /* /metrics in OpenMetrics */
	KW_BOARD_PAGE,                   /* the changing part of the page */
	KW_BOARD_FORMS,                  /* so many are asked for by the port */
	KW_BOARD_RULES = KW_BOARD_FORMS, /* who may ask: see config_parcel.h */
	KW_BOARDS,
};

/* From the port: it wants the text of this board, or (KW_BOARD_RULES) it has taken over the rules. To the port: the board is
 * written. */
struct kw_link_message {
	enum kw_board board;
	int32_t result;            /* 0 or -errno: then there is no text */
	uint64_t length;           /* bytes on the board */
	struct kw_process process; /* from the port: the resources that its process takes */
};

/* One side of it. */
struct kw_link {
	int fd;                /* readable: there is a message, or the other side has ended */
	int boards[KW_BOARDS]; /* shared by both sides */
};

/* Opens both sides. Returns 0 or -errno. */
int kw_link_open(struct kw_link *ret_reader, struct kw_link *ret_port);

/* Returns 0, or -errno if the other side has ended. */
int kw_link_send(const struct kw_link *link, const struct kw_link_message *message);

/* Returns 1 with a message; 0 if there is none now; -EPIPE if the other side has ended; -EBADMSG. */
int kw_link_receive(const struct kw_link *link, struct kw_link_message *ret_message);

/* Puts @length bytes on a board, instead of those that are there. Returns 0 or -errno. */
int kw_link_write(const struct kw_link *link, enum kw_board board, const char *text, size_t length);

/* Takes the bytes from a board, which is empty then; a NUL follows the text. The caller frees *ret_text. Returns 0 or
 * -errno. */
int kw_link_take(const struct kw_link *link, enum kw_board board, size_t length, char **ret_text);

/* Closes one side. */
void kw_link_close(struct kw_link *link);

#endif
