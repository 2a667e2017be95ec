/* SPDX-License-Identifier: BSD-2-Clause */
/* The canvas of the live view: text stays within its place, whatever its characters are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory_stream.h"
#include "output/top/canvas.h"

static char *written(const struct kw_canvas *canvas)
{
	struct kw_memory_stream stream;
	size_t length;
	char *text;

	assert_int_equal(kw_memory_stream_open(&stream), 0);
	kw_canvas_write(canvas, stream.file);
	assert_int_equal(kw_memory_stream_take(&stream, &text, &length), 0);
	kw_memory_stream_close(&stream);
	return text;
}

static void assert_written(const struct kw_canvas *canvas, const char *expected)
{
	char *text = written(canvas);

	assert_string_equal(text, expected);
	free(text);
}

static void text_is_cut_at_its_width_and_at_the_edges(void **state)
{
	struct kw_canvas canvas;

	(void)state;
	assert_int_equal(kw_canvas_open(&canvas, 10, 3, false), 0);
	assert_int_equal(kw_canvas_put(&canvas, 0, 0, 4, 0, "abcdef"), 4);
	assert_int_equal(kw_canvas_put(&canvas, 1, 8, 100, 0, "xyz"), 2);
	assert_int_equal(kw_canvas_put(&canvas, 3, 0, 4, 0, "below"), 0);
	assert_int_equal(kw_canvas_put(&canvas, -1, 0, 4, 0, "above"), 0);
	assert_int_equal(kw_canvas_put(&canvas, 0, 10, 4, 0, "right"), 0);
	assert_int_equal(kw_canvas_put(&canvas, 0, 5, -1, 0, "no width"), 0);
	kw_canvas_put_right(&canvas, 2, 2, 6, 0, "end");
	kw_canvas_look(&canvas, 7, KW_LOOK_BAR);
	assert_written(&canvas, "abcd\n        xy\n     end\n");
	kw_canvas_close(&canvas);
}

static void a_canvas_has_at_least_one_cell_and_not_too_many(void **state)
{
	const int sizes[][4] = {{0, 0, 1, 1}, {-5, 3, 1, 3}, {80, 24, 80, 24}, {100000, 100000, 500, 200}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kw_canvas canvas;

		assert_int_equal(kw_canvas_open(&canvas, sizes[i][0], sizes[i][1], false), 0);
		assert_int_equal(canvas.width, sizes[i][2]);
		assert_int_equal(canvas.height, sizes[i][3]);
		kw_canvas_close(&canvas);
	}
}

static void characters_take_their_columns(void **state)
{
	const struct {
		const char *text, *in_utf8, *in_ascii;
	} rows[] = {
		{"caf\xc3\xa9!", "caf\xc3\xa9!\n", "caf?!\n"},
		{"\xe6\x97\xa5\xe6\x9c\xac!", "\xe6\x97\xa5\xe6\x9c\xac!\n",
		 "?"
		 "?!\n"},
		{"e\xcc\x81x", "ex\n", "e?x\n"}, /* an accent of its own has no width */
		{"a\033[2Jb", "a?[2Jb\n", "a?[2Jb\n"},
		{"\xff\xfe", "??\n", "??\n"},
		{"\xc2\x9b", "?\n", "?\n"}, /* a control character of Latin 1 */
		{"\xe6\x97", "?\n", "?\n"}, /* cut within a character */
	};

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		fail_msg("there is no locale C.UTF-8");
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool utf8 = i % 2;
		struct kw_canvas canvas;

		assert_int_equal(kw_canvas_open(&canvas, 20, 1, utf8), 0);
		kw_canvas_put(&canvas, 0, 0, 20, 0, rows[i / 2].text);
		assert_written(&canvas, utf8 ? rows[i / 2].in_utf8 : rows[i / 2].in_ascii);
		kw_canvas_close(&canvas);
	}
}

static void a_wide_character_that_does_not_fit_is_left_out(void **state)
{
	struct kw_canvas canvas;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	assert_int_equal(kw_canvas_open(&canvas, 3, 1, true), 0);
	assert_int_equal(kw_canvas_put(&canvas, 0, 0, 3, 0, "\xe6\x97\xa5\xe6\x9c\xac"), 2);
	kw_canvas_put(&canvas, 0, 2, 1, 0, "x");
	assert_written(&canvas, "\xe6\x97\xa5x\n");
	kw_canvas_close(&canvas);
}

static void a_selected_row_keeps_its_looks(void **state)
{
	struct kw_canvas canvas;

	(void)state;
	assert_int_equal(kw_canvas_open(&canvas, 2, 1, false), 0);
	kw_canvas_put(&canvas, 0, 0, 1, KW_LOOK_CRITICAL, "x");
	kw_canvas_look(&canvas, 0, KW_LOOK_SELECTED);
	assert_int_equal(canvas.cells[0].look, KW_LOOK_CRITICAL | KW_LOOK_SELECTED);
	assert_int_equal(canvas.cells[1].look, KW_LOOK_PLAIN | KW_LOOK_SELECTED);
	kw_canvas_look(&canvas, 0, KW_LOOK_BAR);
	assert_int_equal(canvas.cells[0].look, KW_LOOK_BAR);
	kw_canvas_close(&canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_at_its_width_and_at_the_edges),
		cmocka_unit_test(a_canvas_has_at_least_one_cell_and_not_too_many),
		cmocka_unit_test(characters_take_their_columns),
		cmocka_unit_test(a_wide_character_that_does_not_fit_is_left_out),
		cmocka_unit_test(a_selected_row_keeps_its_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
