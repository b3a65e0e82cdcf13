/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is taken out of texts about the host. Each is NULL when it is not there, or without memory. Owner: the caller. */
#ifndef VQI_CAPTURE_HOST_H
#define VQI_CAPTURE_HOST_H

#include <stddef.h>

#include "vqi/process.h"

/* Of /proc/version: the release and what follows the #, as uname -rv has it. */
char *vqi_host_kernel(const char *version);

/* Of /proc/cpuinfo: the first model name. */
char *vqi_host_cpu(const char *cpuinfo);

/* Of os-release(5): PRETTY_NAME. */
char *vqi_host_distribution(const char *os_release);

/* "kvm" where a vCPU of KVM's is mapped, else the one accelerator that the command line names. */
char *vqi_host_accelerator(const struct vqi_maps *maps, const char *words, size_t len);

#endif
