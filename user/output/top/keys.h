/* SPDX-License-Identifier: BSD-2-Clause */
/* The view that the user has open, and how each key changes that. Pure: a key and a state give the next state. */
#ifndef KEEPWATCH_TOP_KEYS_H
#define KEEPWATCH_TOP_KEYS_H

#include "output/explain/pages.h"
#include "output/top/arrange.h"
#include "output/top/closes.h"

/* Keys that are no characters; a character is its code. */
enum kw_key {
	KW_KEY_NONE,
	KW_KEY_BACKSPACE = 8,
	KW_KEY_TAB = 9,
	KW_KEY_ENTER = 10,
	KW_KEY_ESCAPE = 27,
	KW_KEY_UP = 0x110000, /* above all characters */
	KW_KEY_DOWN,
	KW_KEY_PAGE_UP,
	KW_KEY_PAGE_DOWN,
	KW_KEY_HOME,
	KW_KEY_END,
	KW_KEY_BACK_TAB,
	KW_KEY_F1, /* the others follow, up to F10 */
	KW_KEY_F10 = KW_KEY_F1 + 9,
};

enum kw_top_view {
	KW_TOP_VIEW_MAIN,
	KW_TOP_VIEW_SERVICE,
	KW_TOP_VIEW_CLOSE,
	KW_TOP_VIEW_FINDING,
	KW_TOP_VIEW_GATEWAY,
	KW_TOP_VIEW_EXPLANATION,
	KW_TOP_VIEW_HELP,
};

/* A view that was opened, with a copy of its subject, which stays while it is read. Must not move in memory. */
struct kw_top_frame {
	enum kw_top_view view;
	struct kw_service service;       /* of a service's view: names the row */
	struct kw_premature_close close; /* of a close's view, and so on */
	struct kw_top_finding finding;
	struct kw_latest_gateway gateway;
	const char *topic; /* of an explanation: the name of a reason or a finding */
	const struct kw_explanation *explanation;
	size_t cursor; /* in the list of a service's closes */
	size_t first;  /* line, of the text or of that list, that is shown first; see kw_top_layout() */
	size_t page;   /* how many lines fit; set by kw_top_layout() */
};

#define KW_TOP_DEPTH 6 /* views open above each other; help counts */

struct kw_top_state {
	struct kw_top_choice choice;
	enum kw_top_section section; /* that the cursor is in */
	size_t cursor[KW_TOP_SECTIONS];
	size_t first[KW_TOP_SECTIONS]; /* item that is shown first; set by kw_top_layout(), as the next */
	size_t page[KW_TOP_SECTIONS];  /* how many fit */
	struct kw_top_frame frames[KW_TOP_DEPTH];
	size_t depth;        /* of these: how many are open; 0: the main screen is shown */
	bool is_paused;      /* the model is not renewed */
	bool is_filtering;   /* keys go to the filter */
	bool is_over;        /* the user wants to leave */
	const char *message; /* for the last line, in place of the keys; NULL: none */
};

/* Begins with all zeros, in the table of services, or in the first list above it that is not empty. */
void kw_top_begin(struct kw_top_state *state);

/* Takes a key. The model's lists are arranged anew if the key asks for another choice. */
void kw_top_key(struct kw_top_state *state, struct kw_top_model *model, int key);

/* Takes another model in the place of @before: the cursor stays on its service, if that is still there. Arranges @model. */
void kw_top_follow(struct kw_top_state *state, const struct kw_top_model *before, struct kw_top_model *model);

/* The view on top; NULL: it is the main screen. */
const struct kw_top_frame *kw_top_frame_of(const struct kw_top_state *state);

/* "requests/s": the heading of a column. Never NULL. */
const char *kw_top_column_name(enum kw_top_column column);

#endif
