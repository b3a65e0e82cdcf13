/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report is made in memory and written at once: when it cannot be made, nothing is written. */
#ifndef VQI_REPORT_OUTPUT_H
#define VQI_REPORT_OUTPUT_H

#include <stddef.h>
#include <stdio.h>

#include "vqi/error.h"

/* Writes the report and flushes the stream. Errors: SYS. */
struct vqi_error *vqi_output_write(FILE *stream, const char *report, size_t len) vqi_must_check;

/* Flushes a stream that was written to since errno was 0. Errors: SYS. */
struct vqi_error *vqi_output_flush(FILE *stream) vqi_must_check;

#endif
