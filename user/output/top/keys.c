/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/keys.h"

#include <string.h>

#include "base/arithmetic.h"

const char *kw_top_column_name(enum kw_top_column column)
{
	static const char *const names[KW_TOP_COLUMNS] = {
		[KW_TOP_BY_WORST] = "worst first", [KW_TOP_BY_SERVICE] = "service",
		[KW_TOP_BY_ROLE] = "role",         [KW_TOP_BY_PROTOCOL] = "http",
		[KW_TOP_BY_OPEN] = "open",         [KW_TOP_BY_IDLE] = "idle",
		[KW_TOP_BY_STREAMS] = "streams",   [KW_TOP_BY_REQUESTS] = "req/s",
		[KW_TOP_BY_REUSE] = "reuse",       [KW_TOP_BY_CLOSES] = "closes/s",
		[KW_TOP_BY_LOST] = "lost",         [KW_TOP_BY_TIMEOUT] = "timeout",
		[KW_TOP_BY_MARGIN] = "margin",     [KW_TOP_BY_REASON] = "top reason",
	};

	return names[column];
}

void kw_top_begin(struct kw_top_state *state)
{
	memset(state, 0, sizeof(*state));
	state->section = KW_TOP_SECTION_SERVICES;
}

const struct kw_top_frame *kw_top_frame_of(const struct kw_top_state *state)
{
	return state->depth ? &state->frames[state->depth - 1] : NULL;
}

/* ---- opening and closing views ---- */

/* An empty frame on top; NULL: there is no room, which no way through the views comes to. */
static struct kw_top_frame *push(struct kw_top_state *state, enum kw_top_view view)
{
	struct kw_top_frame *frame;

	if (state->depth == KW_TOP_DEPTH)
		return NULL;
	frame = &state->frames[state->depth++];
	memset(frame, 0, sizeof(*frame));
	frame->view = view;
	return frame;
}

static void open_explanation(struct kw_top_state *state, const char *topic,
			     const struct kw_explanation *explanation)
{
	struct kw_top_frame *frame = push(state, KW_TOP_VIEW_EXPLANATION);

	if (!frame)
		return;
	frame->topic = topic;
	frame->explanation = explanation;
}

static void open_reason(struct kw_top_state *state, enum kw_reason reason)
{
	open_explanation(state, kw_reason_name(reason), kw_explanation_of_reason(reason));
}

static void open_close(struct kw_top_state *state, const struct kw_premature_close *close)
{
	struct kw_top_frame *frame = push(state, KW_TOP_VIEW_CLOSE);

	if (frame)
		kw_premature_copy(close, &frame->close);
}

/* The item at the cursor of the main screen. */
static void open_item(struct kw_top_state *state, const struct kw_top_model *model)
{
	const struct kw_top_list *list = &model->shown[state->section];
	struct kw_top_frame *frame;
	uint32_t at;

	if (state->cursor[state->section] >= list->count)
		return;
	at = list->items[state->cursor[state->section]];
	if (state->section == KW_TOP_SECTION_CLOSES)
		open_close(state, &model->closes[at]);
	else if (state->section == KW_TOP_SECTION_SERVICES && (frame = push(state, KW_TOP_VIEW_SERVICE)))
		frame->service = model->services[at].ends[0];
	else if (state->section == KW_TOP_SECTION_FINDINGS && (frame = push(state, KW_TOP_VIEW_FINDING)))
		frame->finding = model->findings[at];
	else if (state->section == KW_TOP_SECTION_GATEWAYS && (frame = push(state, KW_TOP_VIEW_GATEWAY)))
		kw_latest_copy_gateway(&model->gateways[at], &frame->gateway);
}

static void open_close_of(struct kw_top_state *state, const struct kw_top_model *model,
			  const struct kw_top_frame *frame)
{
	const struct kw_top_service *service = kw_top_service_find(model, &frame->service);
	const struct kw_premature_close *closes[KW_TOP_CLOSES];
	size_t count = service ? kw_top_closes_of(model, service, closes) : 0;

	if (frame->cursor < count)
		open_close(state, closes[frame->cursor]);
}

/* One step further: from a service to a close, from that to its explanation. A late request is the keep-alive race
 * (stale_reuse) seen from the server's end. */
static void open_next(struct kw_top_state *state, const struct kw_top_model *model)
{
	const struct kw_top_frame *frame = kw_top_frame_of(state);

	if (!frame)
		open_item(state, model);
	else if (frame->view == KW_TOP_VIEW_SERVICE)
		open_close_of(state, model, frame);
	else if (frame->view == KW_TOP_VIEW_CLOSE)
		open_reason(state,
			    frame->close.late ? KW_REASON_STALE_REUSE : frame->close.kept.verdict.reason);
	else if (frame->view == KW_TOP_VIEW_FINDING)
		open_explanation(state, kw_finding_name(frame->finding.finding.id),
				 kw_explanation_of_finding(frame->finding.finding.id));
	else if (frame->view == KW_TOP_VIEW_GATEWAY && frame->gateway.has_cause)
		open_reason(state, frame->gateway.cause.verdict.reason);
}

/* From the main screen there is no way back but out; Escape and Backspace do not lead there by mistake. */
static void go_back(struct kw_top_state *state, int key)
{
	if (state->depth)
		state->depth--;
	else if (key != KW_KEY_ESCAPE && key != KW_KEY_BACKSPACE)
		state->is_over = true;
}

static void toggle_help(struct kw_top_state *state)
{
	const struct kw_top_frame *frame = kw_top_frame_of(state);

	if (frame && frame->view == KW_TOP_VIEW_HELP)
		state->depth--;
	else
		push(state, KW_TOP_VIEW_HELP);
}

/* ---- moving ---- */

/* @last: the last place there is. */
static size_t moved(size_t at, int key, size_t page, size_t last)
{
	size_t step = page ? page : 1;

	switch (key) {
	case KW_KEY_UP:
		return kw_less(at, 1);
	case KW_KEY_DOWN:
		return kw_least(at + 1, last);
	case KW_KEY_PAGE_UP:
		return kw_less(at, step);
	case KW_KEY_PAGE_DOWN:
		return kw_least(at + step, last);
	case KW_KEY_HOME:
		return 0;
	default:
		return last;
	}
}

static void move_in_frame(struct kw_top_frame *frame, const struct kw_top_model *model, int key)
{
	const struct kw_premature_close *closes[KW_TOP_CLOSES];
	const struct kw_top_service *service = NULL;
	size_t count;

	if (frame->view != KW_TOP_VIEW_SERVICE) {
		frame->first =
			moved(frame->first, key, frame->page, SIZE_MAX / 2); /* the layout knows the last */
		return;
	}
	service = kw_top_service_find(model, &frame->service);
	count = service ? kw_top_closes_of(model, service, closes) : 0;
	frame->cursor = count ? moved(frame->cursor, key, frame->page, count - 1) : 0;
}

static void move(struct kw_top_state *state, const struct kw_top_model *model, int key)
{
	size_t count = model->shown[state->section].count, *cursor = &state->cursor[state->section];

	if (state->depth)
		move_in_frame(&state->frames[state->depth - 1], model, key);
	else if (count)
		*cursor = moved(*cursor, key, state->page[state->section], count - 1);
}

/* To the next list that has something in it. */
static void change_section(struct kw_top_state *state, const struct kw_top_model *model, unsigned int step)
{
	enum kw_top_section section = state->section;

	if (state->depth)
		return;
	do
		section = (section + step) % KW_TOP_SECTIONS;
	while (section != state->section && !model->shown[section].count);
	state->section = section;
}

/* ---- what is shown ---- */

static void limit_cursors(struct kw_top_state *state, const struct kw_top_model *model)
{
	for (int i = 0; i < KW_TOP_SECTIONS; i++) {
		size_t count = model->shown[i].count;

		state->cursor[i] = kw_least(state->cursor[i], count ? count - 1 : 0);
	}
}

static void arrange(struct kw_top_state *state, struct kw_top_model *model)
{
	kw_top_arrange(model, &state->choice);
	limit_cursors(state, model);
}

static void change_sort(struct kw_top_state *state, struct kw_top_model *model, unsigned int step)
{
	state->choice.sort = (state->choice.sort + step) % KW_TOP_COLUMNS;
	state->choice.reversed = false;
	arrange(state, model);
}

static void reverse(struct kw_top_state *state, struct kw_top_model *model)
{
	state->choice.reversed = !state->choice.reversed;
	arrange(state, model);
}

static void change_role(struct kw_top_state *state, struct kw_top_model *model)
{
	static const uint32_t next[KW_ROLE_MAX] = {[KW_ROLE_UNKNOWN] = KW_ROLE_CLIENT,
						   [KW_ROLE_CLIENT] = KW_ROLE_SERVER,
						   [KW_ROLE_SERVER] = KW_ROLE_UNKNOWN};

	state->choice.role = next[state->choice.role];
	arrange(state, model);
}

/* Enter keeps what was typed, Escape drops it. */
static void filter_key(struct kw_top_state *state, struct kw_top_model *model, int key)
{
	char *filter = state->choice.filter;
	size_t length = strlen(filter);

	if (key == KW_KEY_ENTER || key == KW_KEY_ESCAPE)
		state->is_filtering = false;
	if (key == KW_KEY_ESCAPE)
		filter[0] = '\0';
	else if (key == KW_KEY_BACKSPACE && length)
		filter[length - 1] = '\0';
	else if (key >= ' ' && key < 127 && length + 1 < KW_TOP_FILTER)
		filter[length] = (char)key, filter[length + 1] = '\0';
	arrange(state, model);
}

/* ---- keys ---- */

/* Keys of the lists. htop has the same, where it has such a function. */
static void list_key(struct kw_top_state *state, struct kw_top_model *model, int key)
{
	switch (key) {
	case '/':
	case '\\':
	case KW_KEY_F1 + 3:
		state->is_filtering = !state->depth;
		break;
	case 's':
	case '>':
	case '.':
	case KW_KEY_F1 + 5:
		change_sort(state, model, 1);
		break;
	case '<':
	case ',':
		change_sort(state, model, KW_TOP_COLUMNS - 1);
		break;
	case 'I':
	case 'i':
		reverse(state, model);
		break;
	case 'r':
		change_role(state, model);
		break;
	default:
		break;
	}
}

static void view_key(struct kw_top_state *state, struct kw_top_model *model, int key)
{
	switch (key) {
	case KW_KEY_ENTER:
		open_next(state, model);
		break;
	case 'q':
	case KW_KEY_F10:
	case KW_KEY_ESCAPE:
	case KW_KEY_BACKSPACE:
		go_back(state, key);
		break;
	case '?':
	case 'h':
	case KW_KEY_F1:
		toggle_help(state);
		break;
	case 'p':
	case 'Z':
		state->is_paused = !state->is_paused;
		break;
	case KW_KEY_TAB:
		change_section(state, model, 1);
		break;
	case KW_KEY_BACK_TAB:
		change_section(state, model, KW_TOP_SECTIONS - 1);
		break;
	default:
		list_key(state, model, key);
		break;
	}
}

/* Letters for those who move as in vi. */
static int plain_key(int key)
{
	return key == 'k' ? KW_KEY_UP : key == 'j' ? KW_KEY_DOWN : key;
}

void kw_top_key(struct kw_top_state *state, struct kw_top_model *model, int key)
{
	if (state->is_filtering) {
		filter_key(state, model, key);
		return;
	}
	key = plain_key(key);
	if (key >= KW_KEY_UP && key <= KW_KEY_END)
		move(state, model, key);
	else
		view_key(state, model, key);
}

void kw_top_follow(struct kw_top_state *state, const struct kw_top_model *before, struct kw_top_model *model)
{
	const struct kw_top_list *was = &before->shown[KW_TOP_SECTION_SERVICES];
	const struct kw_top_list *is = &model->shown[KW_TOP_SECTION_SERVICES];
	size_t *cursor = &state->cursor[KW_TOP_SECTION_SERVICES];
	const struct kw_service *name;

	kw_top_arrange(model, &state->choice);
	if (*cursor && *cursor < was->count) {
		name = &before->services[was->items[*cursor]].ends[0];
		for (size_t i = 0; i < is->count; i++)
			if (memcmp(&model->services[is->items[i]].ends[0], name, sizeof(*name)) == 0) {
				*cursor = i;
				break;
			}
	}
	limit_cursors(state, model);
}
