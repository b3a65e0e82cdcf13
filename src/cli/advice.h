/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_ADVICE_H
#define VQI_CLI_ADVICE_H

#include <stdio.h>

#include "vqi/error.h"

/* Prints what helps against an error, by its code, on further lines. */
void vqi_advise(FILE *stream, const struct vqi_error *error);

#endif
