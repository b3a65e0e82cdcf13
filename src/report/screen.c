/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/screen.h"

#include <stdlib.h>
#include <string.h>

#include "screen_layout.h"
#include "screen_terminal.h"

struct vqi_screen {
	struct vqi_terminal *terminal;
	struct vqi_screen_view view;
	struct vqi_screen_model *model; /* that is shown; NULL before the first look */
	struct vqi_screen_model
		*latest; /* that is not, as the screen is held; NULL: there is none */
	struct vqi_screen_look look;
};

struct vqi_error *vqi_screen_open(const struct vqi_screen_options *options,
				  struct vqi_screen **ret_screen)
{
	vqi_cleanup(vqi_screen_close) struct vqi_screen *screen = calloc(1, sizeof(*screen));
	struct vqi_error *error;

	if (!screen)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_terminal_open(options->color, options->wait_mask, &screen->terminal);
	if (error)
		return error;
	screen->look.interval_ms = options->interval_ms;
	screen->look.blocks = vqi_terminal_has_blocks(screen->terminal);
	screen->view.page = 1;
	*ret_screen = take_ptr(screen);
	return NULL;
}

void vqi_screen_close(struct vqi_screen *screen)
{
	if (!screen)
		return;
	vqi_terminal_close(screen->terminal);
	vqi_screen_view_done(&screen->view);
	vqi_screen_model_free(screen->model);
	vqi_screen_model_free(screen->latest);
	free(screen);
}

static struct vqi_error *paint(struct vqi_screen *screen)
{
	struct vqi_canvas canvas;
	bool failed;

	vqi_canvas_init(&canvas, vqi_terminal_rows(screen->terminal),
			vqi_terminal_columns(screen->terminal),
			vqi_terminal_is_utf8(screen->terminal));
	vqi_screen_layout(&canvas, screen->model, &screen->view, &screen->look);
	failed = canvas.failed;
	if (!failed)
		vqi_terminal_paint(screen->terminal, &canvas);
	vqi_canvas_done(&canvas);
	return failed ? vqi_error_new(VQI_ERROR_NOMEM, "out of memory") : NULL;
}

/* Shows the latest model, unless the screen is held; and what else has changed. */
static struct vqi_error *update(struct vqi_screen *screen)
{
	vqi_cleanup(vqi_screen_model_free) struct vqi_screen_model *old = NULL;
	struct vqi_error *error;

	if (screen->latest && (!screen->view.is_paused || !screen->model)) {
		old = screen->model;
		screen->model = take_ptr(screen->latest);
	}
	if (!screen->model)
		return paint(screen);
	error = vqi_screen_view_update(&screen->view, screen->model);
	return error ? error : paint(screen);
}

struct vqi_error *vqi_screen_draw(struct vqi_screen *screen, const struct vqi_history *history,
				  const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis)
{
	struct vqi_screen_model *model = NULL;
	struct vqi_error *error = vqi_screen_model_new(history, snapshot, diagnosis, &model);

	if (error)
		return error;
	vqi_screen_model_free(screen->latest);
	screen->latest = model;
	return update(screen);
}

/* Serves the keys that were pressed, up to one that asks for something. */
static struct vqi_error *serve_keys(struct vqi_screen *screen,
				    enum vqi_screen_action_kind *ret_action)
{
	enum vqi_screen_action_kind action = VQI_SCREEN_NONE;
	struct vqi_error *error = NULL;
	uint32_t key;

	while (!error && action == VQI_SCREEN_NONE &&
	       (key = vqi_terminal_key(screen->terminal)) != 0) {
		error = vqi_screen_view_key(&screen->view, key, &action);
		if (!error)
			error = update(screen);
	}
	if (!error)
		*ret_action = action;
	return error;
}

static void fill_action(const struct vqi_screen *screen, enum vqi_screen_action_kind kind,
			struct vqi_screen_action *ret_action)
{
	*ret_action = (struct vqi_screen_action){.kind = kind, .device = ""};
	if (kind != VQI_SCREEN_CLOSER_LOOK)
		return;
	ret_action->device = screen->view.device;
	ret_action->vdev_addr = screen->view.vdev_addr;
	ret_action->queue = screen->view.index;
}

struct vqi_error *vqi_screen_wait(struct vqi_screen *screen, uint64_t until_ns,
				  struct vqi_screen_action *ret_action)
{
	enum vqi_screen_action_kind action = VQI_SCREEN_NONE;
	enum vqi_terminal_event event = VQI_TERMINAL_INPUT;
	struct vqi_error *error = NULL;

	/* Some keys may have been read with the one before. */
	while (event == VQI_TERMINAL_INPUT || event == VQI_TERMINAL_REPAINT) {
		error = event == VQI_TERMINAL_REPAINT ? update(screen) : NULL;
		if (!error)
			error = serve_keys(screen, &action);
		if (error || action != VQI_SCREEN_NONE)
			break;
		error = vqi_terminal_wait(screen->terminal, until_ns, &event);
		if (error)
			return error;
	}
	if (error)
		return error;
	fill_action(screen, event == VQI_TERMINAL_GONE ? VQI_SCREEN_QUIT : action, ret_action);
	return NULL;
}

struct vqi_error *vqi_screen_show_text(struct vqi_screen *screen, const char *title,
				       const char *text)
{
	struct vqi_error *error = vqi_screen_view_text(&screen->view, VQI_MODE_TEXT, title, text);

	return error ? error : update(screen);
}

struct vqi_error *vqi_screen_message(struct vqi_screen *screen, const char *text)
{
	struct vqi_error *error = vqi_screen_view_message(&screen->view, text);

	return error ? error : update(screen);
}

unsigned int vqi_screen_width(const struct vqi_screen *screen)
{
	return (unsigned int)vqi_terminal_columns(screen->terminal);
}
