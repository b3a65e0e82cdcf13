/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What decides what an inspection reads: a recording has it with it. */
#ifndef VQI_CLI_SETTINGS_H
#define VQI_CLI_SETTINGS_H

#include "vqi/options.h"
#include "vqi/pack.h"

/* The options that decide what is looked at, and how closely. */
void vqi_settings_pack(const struct vqi_options *options, struct vqi_pack *pack);

/* Sets these options as they were when a recording was made: of devices and the queue only where none are given.
 * Errors: those of vqi_replay_open(). */
struct vqi_error *vqi_settings_take(struct vqi_options *options) vqi_must_check;

/* The same of settings. Errors: BAD_DATA, NOMEM. */
struct vqi_error *vqi_settings_unpack(const struct vqi_pack *settings,
				      struct vqi_options *options) vqi_must_check;

#endif
