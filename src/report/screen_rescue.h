/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that crashes gives its terminal back first. */
#ifndef VQI_REPORT_SCREEN_RESCUE_H
#define VQI_REPORT_SCREEN_RESCUE_H

#include <termios.h>

/* From now on until vqi_rescue_disarm(), a signal that is a crash sets the terminal of standard input to these modes
 * and writes what ends a full screen to standard output. The terminal's description must be set up. */
void vqi_rescue_arm(const struct termios *modes);
void vqi_rescue_disarm(void);

#endif
