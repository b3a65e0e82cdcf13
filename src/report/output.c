/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"

#include <errno.h>

struct vqi_error *vqi_output_write(FILE *stream, const char *report, size_t len)
{
	errno = 0;
	fwrite(report, 1, len, stream);
	return vqi_output_flush(stream);
}

struct vqi_error *vqi_output_flush(FILE *stream)
{
	if (fflush(stream) == 0 && !ferror(stream))
		return NULL;
	/* An earlier failure of the stream has left no errno. */
	return vqi_error_sys(errno ? errno : EIO, "cannot write the report");
}
