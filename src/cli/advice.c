/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "advice.h"

#include <unistd.h>

static const char *advice(enum vqi_error_code code)
{
	switch (code) {
	case VQI_ERROR_USAGE:
		return "Try 'virtq-inspect --help'.";
	case VQI_ERROR_PERMISSION:
		return "Run it as root (sudo virtq-inspect ...), or with the capability "
		       "CAP_SYS_PTRACE in the target's user namespace.";
	case VQI_ERROR_NO_LAYOUT:
		return "Install the debug information of this very QEMU: on Debian the package "
		       "qemu-system-x86-dbgsym (from the debian-debug archive), on Fedora 'dnf "
		       "debuginfo-install qemu-kvm-core'; or let it be fetched: "
		       "DEBUGINFOD_URLS=https://debuginfod.debian.net virtq-inspect ...; or name the "
		       "file: --debuginfo FILE. Or use a layout profile that was exported "
		       "(--export-layout) from a QEMU of this version and packaging which has its "
		       "debug information: --layout FILE.";
	case VQI_ERROR_NOT_QEMU:
		return "Find the QEMU processes with: pgrep -af qemu";
	case VQI_ERROR_GONE:
	case VQI_ERROR_NOMEM:
	case VQI_ERROR_SYS:
	case VQI_ERROR_FAULT:
	case VQI_ERROR_BAD_DATA:
	case VQI_ERROR_LIMIT:
	case VQI_ERROR_UNSUPPORTED:
		return NULL;
	}
	return NULL;
}

void vqi_advise(FILE *stream, const struct vqi_error *error)
{
	const char *text = advice(error->code);

	if (error->code == VQI_ERROR_PERMISSION && geteuid() == 0)
		return; /* the message names what stands in root's way */
	if (text)
		fprintf(stream, "%s\n", text);
}
