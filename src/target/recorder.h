/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_TARGET_RECORDER_H
#define VQI_TARGET_RECORDER_H

#include "reader.h"

/* See vqi_record_begin(). Owner: takes inner on success. */
struct vqi_error *vqi_recorder_new(struct vqi_reader *inner, const struct timespec *opened,
				   struct vqi_reader **ret_reader) vqi_must_check;
bool vqi_reader_is_recorder(const struct vqi_reader *reader);

/* See vqi_record_write(). */
struct vqi_error *vqi_recorder_write(struct vqi_reader *reader, const char *path,
				     const struct vqi_pack *settings) vqi_must_check;

#endif
