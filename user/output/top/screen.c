/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "output/top/keys.h"

#define ESCAPE_PATIENCE 25 /* ms: the bytes of one key come together */

static SCREEN *screen;
static bool has_colour;

bool kw_screen_has_utf8(void)
{
	setlocale(LC_CTYPE, ""); /* of characters alone: numbers stay as they are */
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Pairs of colours have the numbers of looks. Without colours, attributes remain. */
static void start_colours(void)
{
	static const short colours[KW_LOOK_MAX] = {[KW_LOOK_GOOD] = COLOR_GREEN,
						   [KW_LOOK_INFO] = COLOR_CYAN,
						   [KW_LOOK_WARNING] = COLOR_YELLOW,
						   [KW_LOOK_CRITICAL] = COLOR_RED};

	has_colour = !getenv("NO_COLOR") && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (short look = 0; has_colour && look < KW_LOOK_MAX; look++)
		init_pair((short)(look + 1), colours[look] ? colours[look] : -1, -1);
}

/* Ctrl-Z does nothing, because nobody would read the events of a stopped process. */
static void prepare(void)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	meta(stdscr, TRUE);
	set_escdelay(ESCAPE_PATIENCE);
	curs_set(0);
	start_colours();
}

bool kw_screen_is_there(void)
{
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return true;
	kw_log(KW_LOG_ERROR, "keepwatch top needs a terminal: --once prints one screen without one");
	return false;
}

/* Whether the cursor can be moved: otherwise there is no drawing, only printing. */
static bool can_draw(void)
{
	return tigetstr("cup") != NULL;
}

int kw_screen_open(void)
{
	const char *terminal = getenv("TERM");

	signal(SIGTSTP, SIG_IGN);
	screen = newterm(NULL, stdout, stdin);
	if (screen && !can_draw())
		kw_screen_close();
	if (!screen)
		return kw_log_error(-EINVAL,
				    "cannot draw on a terminal of the type '%.40s': set TERM, or use --once",
				    terminal ? terminal : "");
	kw_log_hold();
	prepare();
	return 0;
}

void kw_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
	kw_log_release();
}

/* ---- size ---- */

void kw_screen_size(int *ret_width, int *ret_height)
{
	*ret_width = COLS > 0 ? COLS : 80;
	*ret_height = LINES > 0 ? LINES : 24;
}

void kw_screen_resize(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
}

/* ---- showing ---- */

static attr_t attributes_of(unsigned int look)
{
	static const attr_t plain[KW_LOOK_MAX] = {
		[KW_LOOK_DIM] = A_DIM,      [KW_LOOK_STRONG] = A_BOLD,   [KW_LOOK_BAR] = A_UNDERLINE,
		[KW_LOOK_WARNING] = A_BOLD, [KW_LOOK_CRITICAL] = A_BOLD, [KW_LOOK_GOOD] = A_NORMAL};
	unsigned int kind = look & ~(unsigned int)KW_LOOK_SELECTED;
	attr_t attributes = plain[kind % KW_LOOK_MAX];

	if (look & KW_LOOK_SELECTED)
		attributes |= A_REVERSE;
	if (has_colour)
		attributes |= COLOR_PAIR((int)kind + 1);
	return attributes;
}

/* Characters of one look go to the terminal together. */
static void show_row(const struct kw_canvas *canvas, int row)
{
	const struct kw_cell *cells = &canvas->cells[(size_t)row * (size_t)canvas->width];
	char text[KW_CANVAS_WIDTH * sizeof(cells->text)];

	for (int column = 0, end; column < canvas->width; column = end) {
		size_t length = 0;

		for (end = column; end < canvas->width && cells[end].look == cells[column].look; end++)
			length += (size_t)(stpcpy(text + length, cells[end].text) - (text + length));
		attrset(attributes_of(cells[column].look));
		mvaddnstr(row, column, text, (int)length);
	}
}

void kw_screen_show(const struct kw_canvas *canvas)
{
	erase();
	for (int row = 0; row < canvas->height && row < LINES; row++)
		show_row(canvas, row);
	attrset(A_NORMAL);
	refresh();
}

/* ---- keys ---- */

static int key_of(int code)
{
	static const struct {
		int code;
		int key;
	} keys[] = {
		{KEY_UP, KW_KEY_UP},           {KEY_DOWN, KW_KEY_DOWN},           {KEY_PPAGE, KW_KEY_PAGE_UP},
		{KEY_NPAGE, KW_KEY_PAGE_DOWN}, {KEY_HOME, KW_KEY_HOME},           {KEY_END, KW_KEY_END},
		{KEY_BTAB, KW_KEY_BACK_TAB},   {KEY_ENTER, KW_KEY_ENTER},         {'\r', KW_KEY_ENTER},
		{'\n', KW_KEY_ENTER},          {KEY_BACKSPACE, KW_KEY_BACKSPACE}, {127, KW_KEY_BACKSPACE}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (code == keys[i].code)
			return keys[i].key;
	if (code >= KEY_F(1) && code <= KEY_F(10))
		return KW_KEY_F1 + (code - KEY_F(1));
	return code < KEY_MIN ? code : '\0';
}

/* A terminal that is gone is readable for ever and gives nothing. */
static bool is_gone(void)
{
	struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&terminal, 1, 0) > 0 && terminal.revents & (POLLHUP | POLLERR);
}

int kw_screen_key(void)
{
	int code = getch();

	if (code == ERR)
		return is_gone() ? -EIO : KW_KEY_NONE;
	if (code == '\f') /* Ctrl-L: whatever other programs have drawn goes away */
		clearok(curscr, TRUE);
	return code == KEY_RESIZE || !key_of(code) ? '\f' : key_of(code);
}
