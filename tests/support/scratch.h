/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder for the files of one test. */
#ifndef VQI_TESTS_SCRATCH_H
#define VQI_TESTS_SCRATCH_H

void scratch_make(void);

/* With all that is in it. */
void scratch_remove(void);

/* The path of something in it. Owner: the folder, until sixteen more have been asked for. */
const char *scratch_path(const char *name);

#endif
