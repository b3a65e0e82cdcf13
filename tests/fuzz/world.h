/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the parts of a QEMU lie in an input of fuzz_qom: first its variables, then its heap. */
#ifndef VQI_TESTS_WORLD_H
#define VQI_TESTS_WORLD_H

#define WORLD_SEED	0 /* of the layout */
#define WORLD_BASE	0x700000000000u
#define WORLD_VARIABLES 0x1000 /* bytes */

#endif
