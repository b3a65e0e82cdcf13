/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the place of the screen: there is none yet, so a watch prints lines. */
#include "vqi/screen.h"

struct vqi_error *vqi_screen_open(const struct vqi_screen_options *options,
				  struct vqi_screen **ret_screen)
{
	(void)options;
	(void)ret_screen;
	return vqi_error_new(VQI_ERROR_UNSUPPORTED, "there is no screen");
}

void vqi_screen_close(struct vqi_screen *screen)
{
	(void)screen;
}

struct vqi_error *vqi_screen_draw(struct vqi_screen *screen, const struct vqi_history *history,
				  const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis)
{
	(void)screen;
	(void)history;
	(void)snapshot;
	(void)diagnosis;
	return NULL;
}

struct vqi_error *vqi_screen_wait(struct vqi_screen *screen, uint64_t until_ns,
				  struct vqi_screen_action *ret_action)
{
	(void)screen;
	(void)until_ns;
	*ret_action = (struct vqi_screen_action){VQI_SCREEN_QUIT, "", 0, 0};
	return NULL;
}

struct vqi_error *vqi_screen_show_text(struct vqi_screen *screen, const char *title,
				       const char *text)
{
	(void)screen;
	(void)title;
	(void)text;
	return NULL;
}

struct vqi_error *vqi_screen_message(struct vqi_screen *screen, const char *text)
{
	(void)screen;
	(void)text;
	return NULL;
}

unsigned int vqi_screen_width(const struct vqi_screen *screen)
{
	(void)screen;
	return 80;
}
