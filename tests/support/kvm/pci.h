/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one virtio-blk device on bus 0, without any legacy interface. */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

/* The one vector in use; vector 0 would be that of changes of the configuration, and there is none. */
#define VECTOR 1

/* VirtIO 1.2, 4.1.4. */
#define CAP_COMMON_CFG 1
#define CAP_NOTIFY_CFG 2

void find_disk(void);

/* The address of a structure of the device, 0 if there is none, and the word that follows its capability. */
uintptr_t find_virtio(uint32_t type, uint32_t *ret_more);

/* MSI-X: PCI 3.0, 6.8.2. */
void msix_enable(void);
void msix_mask(bool masked);
void msix_mask_function(void);

/* Until the device says that an interrupt is pending. The device learns it by being asked. */
void msix_wait_pending(void);

#endif
