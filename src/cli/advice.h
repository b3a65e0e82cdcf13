/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_ADVICE_H
#define VQI_CLI_ADVICE_H

#include <stdio.h>

#include "sources.h"
#include "vqi/error.h"

/* What helps against an error, by its code; NULL: nothing that is known. */
const char *vqi_advice(const struct vqi_error *error);

/* What gives a source a layout; NULL: nothing. */
const char *vqi_source_advice(enum vqi_source source);

/* Prints what helps against an error, by its code, on further lines. */
void vqi_advise(FILE *stream, const struct vqi_error *error);

#endif
