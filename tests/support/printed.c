/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "printed.h"

#include <errno.h>

#include "unit.h"

char *vqi_printed(vqi_report_function function, const struct vqi_sample *sample,
		  const struct vqi_report_options *options)
{
	char *report = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&report, &len);

	ck_assert_ptr_nonnull(stream);
	ck_assert_ok(function(stream, &sample->snapshot, &sample->diagnosis, options));
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_uint_eq(strlen(report), len);
	ck_assert_int_eq(report[len - 1], '\n');
	return report;
}

void vqi_printed_to_full_device(vqi_report_function function, const struct vqi_sample *sample)
{
	const struct vqi_report_options options = {0};
	vqi_cleanup_file FILE *full = fopen("/dev/full", "we");
	struct vqi_error *error;

	ck_assert_ptr_nonnull(full);
	error = function(full, &sample->snapshot, &sample->diagnosis, &options);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, VQI_ERROR_SYS);
	ck_assert_int_eq(error->saved_errno, ENOSPC);
	vqi_error_free(error);
}

/* Whether a line is these words; changes both. */
static bool is_row(char *line, char *row)
{
	char *more_line = NULL, *more_row = NULL;
	char *is = strtok_r(line, " ", &more_line), *should = strtok_r(row, " ", &more_row);

	while (is && should && strcmp(is, should) == 0) {
		is = strtok_r(NULL, " ", &more_line);
		should = strtok_r(NULL, " ", &more_row);
	}
	return !is && !should;
}

bool vqi_printed_row(const char *report, const char *row)
{
	vqi_cleanup_free char *copy = strdup(report);
	char *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		vqi_cleanup_free char *words = strdup(row);

		if (is_row(line, words))
			return true;
	}
	return false;
}
