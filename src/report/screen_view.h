/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reader of a screen has chosen to see, and what the keys do to it. Nothing here knows of a terminal. */
#ifndef VQI_REPORT_SCREEN_VIEW_H
#define VQI_REPORT_SCREEN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "screen_model.h"
#include "vqi/screen.h"

enum vqi_screen_sort {
	VQI_SORT_STATE, /* what is wrong first, of this the longest first */
	VQI_SORT_NAME,
	VQI_SORT_DEPTH,
	VQI_SORT_RATE, /* completed a second */
	VQI_SORT_COUNT,
};

/* Keys that are no character, above all of Unicode. */
enum vqi_screen_key_code {
	VQI_KEY_UP = 0x110000,
	VQI_KEY_DOWN,
	VQI_KEY_LEFT,
	VQI_KEY_RIGHT,
	VQI_KEY_PAGE_UP,
	VQI_KEY_PAGE_DOWN,
	VQI_KEY_HOME,
	VQI_KEY_END,
	VQI_KEY_ENTER,
	VQI_KEY_ESCAPE,
	VQI_KEY_BACKSPACE,
};

enum vqi_screen_mode { VQI_MODE_QUEUES, VQI_MODE_TEXT, VQI_MODE_HELP };

#define VQI_FILTER_BYTES 128

struct vqi_screen_view {
	enum vqi_screen_mode mode;
	enum vqi_screen_sort sort;
	char filter[VQI_FILTER_BYTES]; /* UTF-8; "": none */
	bool is_typing;		       /* the filter */
	bool shows_all;		       /* idle queues, too */
	bool is_paused;
	char *message; /* at the bottom; NULL: none */

	/* The queues that are shown, in this order: pointers into the model. */
	const struct vqi_screen_row **shown;
	size_t shown_count;
	size_t selected; /* one of them */
	size_t top;	 /* the first one on the screen */
	size_t page;	 /* rows of queues on the screen, at least 1: set by the layout */

	/* The one that is selected, so that it stays so wherever it is sorted to. NULL: none yet, the first one
	 * is, whichever that is. Owned. */
	char *device;
	uint64_t vdev_addr;
	unsigned int index;

	/* The text that is shown, or the help. */
	char *title;
	char *text; /* its lines, ended by NUL each; owned */
	const char **lines;
	size_t line_count;
	size_t text_top, text_left;
};

void vqi_screen_view_done(struct vqi_screen_view *view);

/* Finds which queues are shown, and which one is selected, after the model or the view has changed. Until the next
 * call the model must stay. Errors: NOMEM. */
struct vqi_error *vqi_screen_view_update(struct vqi_screen_view *view,
					 const struct vqi_screen_model *model) vqi_must_check;

/* Does what a key means, a character or one of the codes, and says what it asks of the caller. Call
 * vqi_screen_view_update() after. Errors: NOMEM. */
struct vqi_error *vqi_screen_view_key(struct vqi_screen_view *view, uint32_t key,
				      enum vqi_screen_action_kind *ret_action) vqi_must_check;

/* The queue that is selected; NULL: there is none. */
const struct vqi_screen_row *vqi_screen_view_selected(const struct vqi_screen_view *view);

/* Shows a text in the place of the queues. Errors: NOMEM. */
struct vqi_error *vqi_screen_view_text(struct vqi_screen_view *view, enum vqi_screen_mode mode,
				       const char *title, const char *text) vqi_must_check;

/* Sets the message at the bottom; NULL: none. Errors: NOMEM. */
struct vqi_error *vqi_screen_view_message(struct vqi_screen_view *view,
					  const char *text) vqi_must_check;

/* "state", "name", ... */
const char *vqi_screen_sort_word(enum vqi_screen_sort sort);

#endif
