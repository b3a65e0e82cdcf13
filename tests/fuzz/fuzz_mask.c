/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: what has been masked stays as it is, and has as many words. */
#include "fuzz.h"
#include "vqi/mask.h"

static size_t count_words(const char *words, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < len; at += strnlen(words + at, len - at) + 1)
		count++;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *once = NULL, *twice = NULL;
	size_t once_len = 0, twice_len = 0;

	if (vqi_mask_command_line((const char *)data, size, &once, &once_len) ||
	    vqi_mask_command_line(once, once_len, &twice, &twice_len))
		abort();
	if (count_words(once, once_len) != count_words((const char *)data, size) ||
	    once_len != twice_len || memcmp(once, twice, once_len) != 0)
		abort();
	free(once);
	free(twice);
	return 0;
}
