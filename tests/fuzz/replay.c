/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target on every file of the folders, and on the files, that are its arguments. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"
#include "vqi/cleanup.h"

static unsigned int replayed;

static void die(const char *path)
{
	perror(path);
	exit(EXIT_FAILURE);
}

static void replay_file(const char *path)
{
	vqi_cleanup_file FILE *file = fopen(path, "rb");
	vqi_cleanup_free uint8_t *data = NULL;
	size_t size = 0, part;

	if (!file)
		die(path);
	do {
		data = realloc(data, size + 65536);
		if (!data)
			die(path);
		part = fread(data + size, 1, 65536, file);
		size += part;
	} while (part);
	if (ferror(file))
		die(path);
	LLVMFuzzerTestOneInput(data, size);
	replayed++;
}

static void replay(const char *path)
{
	vqi_cleanup_dir DIR *folder = opendir(path);
	struct dirent *entry;

	if (!folder) {
		replay_file(path);
		return;
	}
	while ((entry = readdir(folder))) {
		vqi_cleanup_free char *name = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0)
			die(path);
		replay_file(name);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs\n", replayed);
	return replayed ? EXIT_SUCCESS : EXIT_FAILURE;
}
