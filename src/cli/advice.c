/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "advice.h"

#include <errno.h>
#include <unistd.h>

#define INSTALL                                                                                    \
	"Install the debug information of this very QEMU: on Debian the package "                  \
	"qemu-system-x86-dbgsym, of a qemu-storage-daemon qemu-system-common-dbgsym (from the "    \
	"debian-debug archive), on Fedora 'dnf debuginfo-install qemu-kvm-core'; or name the "     \
	"file: --debuginfo FILE."
#define FETCH "Let it be fetched: DEBUGINFOD_URLS=https://debuginfod.debian.net virtq-inspect ..."
#define EXPORT                                                                                     \
	"Use a layout profile that was exported (--export-layout) from a QEMU of this version "    \
	"and packaging which has its debug information: --layout FILE."

#define READABLE                                                                                   \
	"Let this user read the file (chmod a+r FILE, and chmod a+x of the folders above it), or " \
	"run virtq-inspect as the user whose it is."

const char *vqi_advice(const struct vqi_error *error)
{
	switch (error->code) {
	case VQI_ERROR_USAGE:
		return "Try 'virtq-inspect --help'.";
	case VQI_ERROR_PERMISSION:
		if (geteuid() == 0)
			return NULL; /* the message names what stands in root's way */
		return "Run it as root (sudo virtq-inspect ...), or with the capability "
		       "CAP_SYS_PTRACE in the target's user namespace.";
	case VQI_ERROR_NO_LAYOUT:
		return INSTALL "\n" FETCH "\n" EXPORT;
	case VQI_ERROR_NOT_QEMU:
		return "Find the QEMU processes with: pgrep -af qemu";
	case VQI_ERROR_SYS:
		return error->saved_errno == EACCES ? READABLE : NULL; /* a file of ours */
	case VQI_ERROR_GONE:
	case VQI_ERROR_NOMEM:
	case VQI_ERROR_FAULT:
	case VQI_ERROR_BAD_DATA:
	case VQI_ERROR_LIMIT:
	case VQI_ERROR_UNSUPPORTED:
		return NULL;
	}
	return NULL;
}

const char *vqi_source_advice(enum vqi_source source)
{
	switch (source) {
	case VQI_SOURCE_DEBUG_FILE:
		return INSTALL;
	case VQI_SOURCE_DEBUGINFOD:
		return FETCH;
	case VQI_SOURCE_PROFILE:
		return EXPORT;
	case VQI_SOURCE_CACHE: /* it fills by itself */
	case VQI_SOURCE_OWN_PROFILE:
	case VQI_SOURCE_DERIVED:
	case VQI_SOURCE_COUNT:
		return NULL;
	}
	return NULL;
}

void vqi_advise(FILE *stream, const struct vqi_error *error)
{
	const char *text = vqi_advice(error);

	if (text)
		fprintf(stream, "%s\n", text);
}
