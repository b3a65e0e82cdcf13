/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints every sample as OpenMetrics text, one after the other, then all of them merged, for
 * test_openmetrics.py. */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"
#include "vqi/openmetrics.h"

/* Writes a sample to memory, too. Owner: the caller. */
static struct vqi_error *print(const struct vqi_sample *sample, char **ret_text)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	struct vqi_error *error;

	error = vqi_openmetrics_write(stream, &sample->snapshot, &sample->diagnosis);
	fclose(stream);
	fputs(text, stdout);
	*ret_text = text;
	return error;
}

int main(void)
{
	vqi_cleanup_error struct vqi_error *error = NULL;
	vqi_cleanup_free const char **texts = calloc(vqi_sample_count, sizeof(*texts));

	for (size_t i = 0; i < vqi_sample_count && !error; i++) {
		struct vqi_sample sample;

		vqi_samples[i](&sample);
		error = print(&sample, (char **)&texts[i]);
	}
	if (!error)
		error = vqi_openmetrics_write_failed(stdout, 4243, "gone");
	if (!error)
		error = vqi_openmetrics_merge(stdout, texts, vqi_sample_count);
	for (size_t i = 0; i < vqi_sample_count; i++)
		free((char *)texts[i]);
	if (error)
		fprintf(stderr, "%s\n", error->message);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
