/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in a few columns, for a screen. */
#ifndef VQI_REPORT_SCREEN_WORDS_H
#define VQI_REPORT_SCREEN_WORDS_H

#include "vqi/history.h"
#include "vqi/num.h"

/* Room for what follows. */
#define VQI_SCREEN_WORD 16

/* "0", "0.3", "9914", "12.3k", "1.24M": five columns at most; "-" for what is unknown. */
void vqi_screen_number(double number, char word[VQI_SCREEN_WORD]);
void vqi_screen_count(struct vqi_num number, char word[VQI_SCREEN_WORD]);

/* The same with ">" before what is a lower bound. */
void vqi_screen_rate(const struct vqi_rate *rate, char word[VQI_SCREEN_WORD]);

/* "0s", "42s", "5m12s", "12m", "3h25m", "34h", "12d": five columns at most; "-" for what is unknown. */
void vqi_screen_duration(struct vqi_num ms, char word[VQI_SCREEN_WORD]);

/* Room for a sparkline of so many columns. */
#define VQI_SPARKLINE_BYTES(columns) (3 * (columns) + 1)

/* One character a depth, the highest of them the tallest, zero the lowest and a space for what is unknown. */
void vqi_screen_sparkline(const struct vqi_num *depths, size_t count, bool blocks, char *ret_text);

#endif
