/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints every sample as Markdown, each ended by a NUL, for test_markdown.py: those of sample.c, then one for each argument, which is
 * wherever a string of the target is. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"
#include "vqi/report.h"

static void print(const struct vqi_sample *sample, const char *command)
{
	vqi_cleanup_error struct vqi_error *error =
		vqi_report_markdown(stdout, &sample->snapshot, &sample->diagnosis, command);

	if (error) {
		fprintf(stderr, "%s\n", error->message);
		exit(EXIT_FAILURE);
	}
	putchar('\0');
}

int main(int argc, char **argv)
{
	static struct vqi_sample sample;

	setlocale(LC_CTYPE, "");
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		print(&sample, "virtq-inspect -p 4242 --report report.md");
	}
	for (int i = 1; i < argc; i++) {
		vqi_sample_hostile_text(&sample, argv[i]);
		print(&sample, argv[i]);
	}
	return EXIT_SUCCESS;
}
