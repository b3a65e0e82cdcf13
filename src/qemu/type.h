/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_TYPE_H
#define VQI_QEMU_TYPE_H

/* The QOM types met so far, by the address of their ObjectClass: types never change while a QEMU
 * runs, and hundreds of objects share a few dozen. NULL without memory. */
struct vqi_types *vqi_types_new(void);
void vqi_types_free(struct vqi_types *types);

#endif
