/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_view.h"

#include <stdlib.h>
#include <string.h>

#define CTRL(letter)   ((letter)&0x1f)

#define COLUMNS_A_STEP 16 /* of a text that is moved sideways */

/* Lines of 79 columns at most, the most wanted first. */
static const char help[] =
	"up, down, j, k     select a queue; PgUp, PgDn, Home, End go farther\n"
	"Enter              the requests and stacks of the queue; Esc or q leads back\n"
	"s                  sort: by state (what is wrong first), name, depth, rate\n"
	"/                  show only queues of which the device, type, role, number or\n"
	"                   state has a text in it; Enter ends the text, Esc clears it\n"
	"v                  show idle queues, too; or fold them\n"
	"space              hold the screen; the looks go on\n"
	"R                  write a report into a file\n"
	"q                  quit\n"
	"\n"
	"FOR                how long it has been in this state while it was watched;\n"
	"                   stuck: since it last moved\n"
	"DEPTH              buffers published by the driver and not completed\n"
	"OLDEST             the least age of the oldest of them; none where buffers wait\n"
	"                   for something to arrive\n"
	"PUBL/s DONE/s      buffers that the driver published, the device completed and\n"
	"REAP/s             the driver picked up, a second; of a packed ring descriptors\n"
	"TREND              DEPTH in the last looks, its highest the tallest\n"
	"> and -            at least: it may have gone round the ring unseen; not known\n";

void vqi_screen_view_done(struct vqi_screen_view *view)
{
	free(view->shown);
	free(view->message);
	free(view->device);
	free(view->title);
	free(view->text);
	free(view->lines);
	*view = (struct vqi_screen_view){0};
}

static struct vqi_error *set_string(char **place, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	free(*place);
	*place = copy;
	return NULL;
}

struct vqi_error *vqi_screen_view_message(struct vqi_screen_view *view, const char *text)
{
	return set_string(&view->message, text);
}

/* ---- a text ---- */

struct vqi_error *vqi_screen_view_text(struct vqi_screen_view *view, enum vqi_screen_mode mode,
				       const char *title, const char *text)
{
	bool is_another = view->mode != mode;
	const char **lines;
	size_t count = 0;
	struct vqi_error *error = set_string(&view->title, title);

	if (!error)
		error = set_string(&view->text, text);
	if (error)
		return error;
	for (const char *at = text; *at; at++)
		count += *at == '\n';
	lines = calloc(count + 2, sizeof(*lines));
	if (!lines)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	count = 0;
	for (char *at = view->text; at && *at;) {
		lines[count++] = at;
		at = strchr(at, '\n');
		if (at)
			*at++ = '\0';
	}
	free(view->lines);
	view->lines = lines;
	view->line_count = count;
	view->mode = mode;
	if (is_another)
		view->text_top = view->text_left = 0;
	return NULL;
}

static void move_text(struct vqi_screen_view *view, uint32_t key)
{
	size_t page = view->page, last;

	last = view->line_count > page ? view->line_count - page : 0;
	if (key == VQI_KEY_UP || key == 'k')
		view->text_top -= view->text_top > 0;
	else if (key == VQI_KEY_DOWN || key == 'j')
		view->text_top++;
	else if (key == VQI_KEY_PAGE_UP)
		view->text_top -= view->text_top < page ? view->text_top : page;
	else if (key == VQI_KEY_PAGE_DOWN || key == ' ')
		view->text_top += page;
	else if (key == VQI_KEY_HOME || key == 'g')
		view->text_top = 0;
	else if (key == VQI_KEY_END || key == 'G')
		view->text_top = last;
	else if (key == VQI_KEY_RIGHT)
		view->text_left += COLUMNS_A_STEP;
	else if (key == VQI_KEY_LEFT)
		view->text_left -= view->text_left < COLUMNS_A_STEP ? view->text_left
								    : COLUMNS_A_STEP;
	if (view->text_top > last)
		view->text_top = last;
}

static enum vqi_screen_action_kind text_key(struct vqi_screen_view *view, uint32_t key)
{
	bool is_help = view->mode == VQI_MODE_HELP;

	switch (key) {
	case VQI_KEY_ESCAPE:
	case VQI_KEY_BACKSPACE:
	case 'q':
		view->mode = VQI_MODE_QUEUES;
		return VQI_SCREEN_NONE;
	case VQI_KEY_ENTER:
	case 'r':
		return is_help ? VQI_SCREEN_NONE : VQI_SCREEN_CLOSER_LOOK;
	case 'R':
		return VQI_SCREEN_REPORT;
	case 'h':
	case '?':
		if (is_help)
			view->mode = VQI_MODE_QUEUES;
		return VQI_SCREEN_NONE;
	default:
		move_text(view, key);
		return VQI_SCREEN_NONE;
	}
}

/* ---- the filter ---- */

/* Adds a character in UTF-8, if there is room. */
static void add_character(struct vqi_screen_view *view, uint32_t code)
{
	size_t len = strlen(view->filter);
	char *out = view->filter + len;
	unsigned int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};

	if (len + more + 2 > sizeof(view->filter))
		return;
	*out++ = (char)(leads[more] | code >> (6 * more));
	while (more--)
		*out++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
	*out = '\0';
}

static void drop_character(struct vqi_screen_view *view)
{
	size_t len = strlen(view->filter);

	while (len && ((unsigned char)view->filter[--len] & 0xc0) == 0x80)
		;
	view->filter[len] = '\0';
}

static void filter_key(struct vqi_screen_view *view, uint32_t key)
{
	if (key == VQI_KEY_ENTER || key == VQI_KEY_ESCAPE)
		view->is_typing = false;
	if (key == VQI_KEY_ESCAPE || key == CTRL('u'))
		view->filter[0] = '\0';
	else if (key == VQI_KEY_BACKSPACE)
		drop_character(view);
	else if (key >= ' ' && key != 0x7f && key < VQI_KEY_UP)
		add_character(view, key);
}

/* ---- the queues ---- */

/* Selects the queue at a place, from which on it stays selected wherever it goes. */
static struct vqi_error *select_at(struct vqi_screen_view *view, size_t place)
{
	const struct vqi_screen_key *key;

	if (!view->shown_count)
		return NULL;
	view->selected = place < view->shown_count ? place : view->shown_count - 1;
	key = &view->shown[view->selected]->key;
	view->vdev_addr = key->vdev_addr;
	view->index = key->index;
	return set_string(&view->device, key->device);
}

static struct vqi_error *move(struct vqi_screen_view *view, uint32_t key)
{
	size_t page = view->page, at = view->selected;

	switch (key) {
	case VQI_KEY_UP:
	case 'k':
		return select_at(view, at ? at - 1 : 0);
	case VQI_KEY_DOWN:
	case 'j':
		return select_at(view, at + 1);
	case VQI_KEY_PAGE_UP:
		return select_at(view, at > page ? at - page : 0);
	case VQI_KEY_PAGE_DOWN:
		return select_at(view, at + page);
	case VQI_KEY_HOME:
	case 'g':
		return select_at(view, 0);
	case VQI_KEY_END:
	case 'G':
		return select_at(view, view->shown_count);
	default:
		return NULL;
	}
}

/* Enter keeps the queue selected: the text that comes is of it. */
static struct vqi_error *open_queue(struct vqi_screen_view *view,
				    enum vqi_screen_action_kind *ret_action)
{
	if (!view->shown_count)
		return NULL;
	*ret_action = VQI_SCREEN_CLOSER_LOOK;
	return select_at(view, view->selected);
}

/* Clears the filter; without one, lets the first queue be the selected one again. */
static void go_back(struct vqi_screen_view *view)
{
	if (!view->filter[0]) {
		free(take_ptr(view->device));
		view->top = 0;
	}
	view->filter[0] = '\0';
}

static struct vqi_error *queues_key(struct vqi_screen_view *view, uint32_t key,
				    enum vqi_screen_action_kind *ret_action)
{
	switch (key) {
	case 'q':
		*ret_action = VQI_SCREEN_QUIT;
		return NULL;
	case 'R':
		*ret_action = VQI_SCREEN_REPORT;
		return NULL;
	case VQI_KEY_ENTER:
		return open_queue(view, ret_action);
	case VQI_KEY_ESCAPE:
		go_back(view);
		return NULL;
	case 's':
		view->sort = (view->sort + 1) % VQI_SORT_COUNT;
		return NULL;
	case 'v':
		view->shows_all = !view->shows_all;
		return NULL;
	case ' ':
		view->is_paused = !view->is_paused;
		return NULL;
	case '/':
		view->is_typing = true;
		return NULL;
	case 'h':
	case '?':
		return vqi_screen_view_text(view, VQI_MODE_HELP, "keys and columns", help);
	default:
		return move(view, key);
	}
}

struct vqi_error *vqi_screen_view_key(struct vqi_screen_view *view, uint32_t key,
				      enum vqi_screen_action_kind *ret_action)
{
	*ret_action = VQI_SCREEN_NONE;
	free(take_ptr(view->message));
	if (view->mode != VQI_MODE_QUEUES)
		*ret_action = text_key(view, key);
	else if (view->is_typing)
		filter_key(view, key);
	else
		return queues_key(view, key, ret_action);
	return NULL;
}
