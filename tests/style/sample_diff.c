/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints what differs between each sample and the one after it, one document a line, for test_diff.py. */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"
#include "vqi/diff.h"

static struct vqi_error *print(size_t one, size_t other)
{
	vqi_cleanup(vqi_diff_done) struct vqi_diff diff = {0};
	struct vqi_sample old, new;
	struct vqi_diff_side before = {"old", &old.snapshot, &old.diagnosis, NULL, NULL};
	struct vqi_diff_side after = {"new", &new.snapshot, &new.diagnosis, NULL, NULL};
	struct vqi_error *error;

	vqi_samples[one](&old);
	vqi_samples[other](&new);
	error = vqi_diff(&before, &after, &diff);
	return error ? error : vqi_diff_json(stdout, &diff);
}

int main(void)
{
	for (size_t i = 0; i < vqi_sample_count * vqi_sample_count; i++) {
		vqi_cleanup_error struct vqi_error *error =
			print(i / vqi_sample_count, i % vqi_sample_count);

		if (error) {
			fprintf(stderr, "samples %zu: %s\n", i, error->message);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
