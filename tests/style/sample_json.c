/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints every sample as JSON, one document a line, for test_schema.py. */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"
#include "vqi/report.h"

int main(void)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_cleanup_error struct vqi_error *error = NULL;
		struct vqi_sample sample;

		vqi_samples[i](&sample);
		error = vqi_report_json(stdout, &sample.snapshot, &sample.diagnosis);
		if (error) {
			fprintf(stderr, "sample %zu: %s\n", i, error->message);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
