/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <curses.h>

#include "screen_rescue.h"
#include "screen_terminfo.h"
#include "screen_view.h"

/* Units: ms. How long after an Escape the rest of a key's sequence may come; curses' second is long to wait for. */
#define ESCAPE_MS 100

/* Signals that are served by vqi_terminal_wait() alone, so that none of their handlers runs, curses' neither. */
static const int served[] = {SIGTSTP, SIGCONT, SIGWINCH};
#define SERVED_COUNT (sizeof(served) / sizeof(served[0]))

struct vqi_terminal {
	SCREEN *curses;
	bool utf8, blocks, color;
	struct termios modes; /* before */
	int signal_fd;
	bool is_masked;
	sigset_t mask_before, wait_mask;
	bool has_wait_mask;
	struct sigaction actions_before[SERVED_COUNT];
};

/* ---- open, close ---- */

static struct vqi_error *take_signals(struct vqi_terminal *terminal)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SERVED_COUNT; i++) {
		sigaddset(&set, served[i]);
		sigaction(served[i], NULL, &terminal->actions_before[i]);
		sigaddset(&terminal->wait_mask, served[i]);
	}
	terminal->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (terminal->signal_fd < 0)
		return vqi_error_sys(errno, "signalfd");
	if (sigprocmask(SIG_BLOCK, &set, &terminal->mask_before) < 0)
		return vqi_error_sys(errno, "sigprocmask");
	terminal->is_masked = true;
	return NULL;
}

static void give_signals_back(struct vqi_terminal *terminal)
{
	if (!terminal->is_masked)
		return;
	for (size_t i = 0; i < SERVED_COUNT; i++)
		sigaction(served[i], &terminal->actions_before[i], NULL);
	sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

static void set_up_colors(struct vqi_terminal *terminal)
{
	if (!terminal->color || !has_colors() || start_color() != OK) {
		terminal->color = false;
		return;
	}
	use_default_colors();
	init_pair(VQI_STYLE_RED, COLOR_RED, -1);
	init_pair(VQI_STYLE_YELLOW, COLOR_YELLOW, -1);
	init_pair(VQI_STYLE_GREEN, COLOR_GREEN, -1);
}

/* Not every terminal sends what TERM's description says: over ssh, in another program's window, on a serial line. */
static void add_keys(void)
{
	static const struct {
		const char *sequence;
		int key;
	} keys[] = {
		{"\033[A", KEY_UP},    {"\033[B", KEY_DOWN},   {"\033[C", KEY_RIGHT},
		{"\033[D", KEY_LEFT},  {"\033OA", KEY_UP},     {"\033OB", KEY_DOWN},
		{"\033OC", KEY_RIGHT}, {"\033OD", KEY_LEFT},   {"\033[H", KEY_HOME},
		{"\033[F", KEY_END},   {"\033OH", KEY_HOME},   {"\033OF", KEY_END},
		{"\033[1~", KEY_HOME}, {"\033[4~", KEY_END},   {"\033[7~", KEY_HOME},
		{"\033[8~", KEY_END},  {"\033[5~", KEY_PPAGE}, {"\033[6~", KEY_NPAGE},
		{"\033OM", KEY_ENTER},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		define_key(keys[i].sequence, keys[i].key);
}

static struct vqi_error *begin(struct vqi_terminal *terminal)
{
	terminal->curses = newterm(NULL, stdout, stdin);
	if (!terminal->curses)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "curses cannot use the terminal");
	vqi_rescue_arm(&terminal->modes);
	if (!getenv("ESCDELAY"))
		set_escdelay(ESCAPE_MS);
	cbreak(); /* ^C and ^Z stay signals */
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	add_keys();
	curs_set(0);
	set_up_colors(terminal);
	return NULL;
}

struct vqi_error *vqi_terminal_open(bool color, const sigset_t *wait_mask,
				    struct vqi_terminal **ret_terminal)
{
	vqi_cleanup(vqi_terminal_close) struct vqi_terminal *terminal = NULL;
	struct vqi_error *error = vqi_terminfo_check();

	if (error)
		return error;
	terminal = calloc(1, sizeof(*terminal));
	if (!terminal)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	terminal->signal_fd = -1;
	terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	/* The fonts of the kernel's console lack them. */
	terminal->blocks = terminal->utf8 && strcmp(getenv("TERM"), "linux") != 0;
	terminal->color = color;
	terminal->has_wait_mask = wait_mask != NULL;
	if (wait_mask)
		terminal->wait_mask = *wait_mask;
	if (tcgetattr(STDIN_FILENO, &terminal->modes) < 0)
		return vqi_error_sys(errno, "tcgetattr");
	error = take_signals(terminal);
	if (!error)
		error = begin(terminal);
	if (!error)
		*ret_terminal = take_ptr(terminal);
	return error;
}

/* Leaves the screen; the next refresh comes back to it. Only once: each time, endwin() puts the cursor back to where it
 * was before the screen, and others may have printed since. */
static void leave(void)
{
	if (isendwin())
		return;
	/* What is printed after must not be between its remains. */
	if (!vqi_terminfo_restores()) {
		erase();
		refresh();
	}
	endwin();
}

void vqi_terminal_close(struct vqi_terminal *terminal)
{
	if (!terminal)
		return;
	if (terminal->curses) {
		leave();
		vqi_rescue_disarm();
		delscreen(terminal->curses);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->modes);
	}
	give_signals_back(terminal);
	if (terminal->signal_fd >= 0)
		close(terminal->signal_fd);
	free(terminal);
}

/* ---- what it is ---- */

size_t vqi_terminal_rows(const struct vqi_terminal *terminal)
{
	(void)terminal;
	return LINES > 0 ? (size_t)LINES : 0;
}

size_t vqi_terminal_columns(const struct vqi_terminal *terminal)
{
	(void)terminal;
	return COLS > 0 ? (size_t)COLS : 0;
}

bool vqi_terminal_has_blocks(const struct vqi_terminal *terminal)
{
	return terminal->blocks;
}

bool vqi_terminal_is_utf8(const struct vqi_terminal *terminal)
{
	return terminal->utf8;
}

/* ---- paint ---- */

static attr_t attributes_of(const struct vqi_terminal *terminal, enum vqi_style style)
{
	attr_t color = terminal->color ? (attr_t)COLOR_PAIR(style) : 0;

	switch (style) {
	case VQI_STYLE_BOLD:
		return A_BOLD;
	case VQI_STYLE_DIM:
		return A_DIM;
	case VQI_STYLE_RED:
		return A_BOLD | color;
	case VQI_STYLE_YELLOW:
		return terminal->color ? color : A_BOLD;
	case VQI_STYLE_GREEN:
		return color;
	default:
		return A_NORMAL;
	}
}

static void paint_line(const struct vqi_terminal *terminal, int row,
		       const struct vqi_canvas_line *line, size_t columns)
{
	attr_t reverse = line->is_reverse ? A_REVERSE : A_NORMAL;

	move(row, 0);
	for (size_t i = 0; i < line->span_count; i++) {
		/* A colour may not be legible on its reverse; the word says what it is. */
		attrset(line->is_reverse ? reverse : attributes_of(terminal, line->spans[i].style));
		addstr(line->spans[i].text);
	}
	if (line->is_reverse)
		hline(' ' | A_REVERSE, (int)(columns - line->width));
}

void vqi_terminal_paint(struct vqi_terminal *terminal, const struct vqi_canvas *canvas)
{
	erase();
	for (size_t i = 0; i < canvas->rows; i++)
		paint_line(terminal, (int)i, &canvas->lines[i], canvas->columns);
	attrset(A_NORMAL);
	wnoutrefresh(stdscr);
	doupdate();
}

/* ---- keys, time and signals ---- */

static uint32_t key_code(wint_t key)
{
	switch (key) {
	case KEY_UP:
		return VQI_KEY_UP;
	case KEY_DOWN:
		return VQI_KEY_DOWN;
	case KEY_LEFT:
		return VQI_KEY_LEFT;
	case KEY_RIGHT:
		return VQI_KEY_RIGHT;
	case KEY_PPAGE:
		return VQI_KEY_PAGE_UP;
	case KEY_NPAGE:
		return VQI_KEY_PAGE_DOWN;
	case KEY_HOME:
		return VQI_KEY_HOME;
	case KEY_END:
		return VQI_KEY_END;
	case KEY_ENTER:
		return VQI_KEY_ENTER;
	case KEY_BACKSPACE:
		return VQI_KEY_BACKSPACE;
	default:
		return 0;
	}
}

static uint32_t character_code(wint_t key)
{
	switch (key) {
	case '\r':
	case '\n':
		return VQI_KEY_ENTER;
	case '\033':
		return VQI_KEY_ESCAPE;
	case '\b':
	case 0x7f:
		return VQI_KEY_BACKSPACE;
	default:
		return (uint32_t)key;
	}
}

uint32_t vqi_terminal_key(struct vqi_terminal *terminal)
{
	uint32_t code = 0;
	wint_t key;
	int result;

	(void)terminal;
	while (!code && (result = get_wch(&key)) != ERR)
		code = result == KEY_CODE_YES ? key_code(key) : character_code(key);
	return code;
}

/* Stops the process as it would have stopped without a screen; comes back when it goes on. */
static void stop_here(void)
{
	struct sigaction stop = {.sa_handler = SIG_DFL}, before;
	sigset_t set;

	leave();
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaction(SIGTSTP, &stop, &before);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTSTP, &before, NULL);
}

static void follow_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
}

/* Serves the signals that have come; whether there were any. */
static bool serve_signals(struct vqi_terminal *terminal)
{
	struct signalfd_siginfo info;
	bool any = false;

	while (read(terminal->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		any = true;
		if (info.ssi_signo == SIGTSTP)
			stop_here();
		else if (info.ssi_signo == SIGCONT && !isendwin())
			endwin(); /* whoever had the terminal meanwhile: the next refresh begins anew */
		if (info.ssi_signo != SIGWINCH)
			clearok(stdscr, TRUE);
		follow_size();
	}
	return any;
}

static struct timespec time_left(uint64_t until_ns)
{
	struct timespec now;
	uint64_t now_ns, left = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (until_ns > now_ns)
		left = until_ns - now_ns;
	return (struct timespec){.tv_sec = (time_t)(left / 1000000000),
				 .tv_nsec = (long)(left % 1000000000)};
}

/* A terminal that is gone can be read, and there is nothing. */
static bool is_at_end(void)
{
	int count = 0;

	return ioctl(STDIN_FILENO, FIONREAD, &count) < 0 || count == 0;
}

struct vqi_error *vqi_terminal_wait(struct vqi_terminal *terminal, uint64_t until_ns,
				    enum vqi_terminal_event *ret_event)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = terminal->signal_fd, .events = POLLIN},
	};
	struct timespec left = time_left(until_ns);
	int count = ppoll(fds, 2, &left, terminal->has_wait_mask ? &terminal->wait_mask : NULL);

	if (count < 0 && errno != EINTR)
		return vqi_error_sys(errno, "cannot wait for a key");
	if (count < 0)
		*ret_event = VQI_TERMINAL_SIGNAL;
	else if (fds[1].revents && serve_signals(terminal))
		*ret_event = VQI_TERMINAL_REPAINT;
	else if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL) || (fds[0].revents && is_at_end()))
		*ret_event = VQI_TERMINAL_GONE;
	else
		*ret_event = fds[0].revents ? VQI_TERMINAL_INPUT : VQI_TERMINAL_TIME;
	return NULL;
}
