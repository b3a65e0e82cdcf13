/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEVELS 8

void vqi_screen_number(double number, char word[VQI_SCREEN_WORD])
{
	static const char units[] = "kMGTPE";
	size_t unit = 0;

	if (number <= 0)
		snprintf(word, VQI_SCREEN_WORD, "0");
	else if (number < 0.1)
		snprintf(word, VQI_SCREEN_WORD, "<0.1");
	else if (number < 9.95)
		snprintf(word, VQI_SCREEN_WORD, "%.1f", number);
	else if (number < 9999.5)
		snprintf(word, VQI_SCREEN_WORD, "%.0f", number);
	if (number < 9999.5)
		return;
	number /= 1000;
	while (number >= 999.5 && units[unit + 1]) {
		number /= 1000;
		unit++;
	}
	if (number >= 999.5)
		snprintf(word, VQI_SCREEN_WORD, ">999%c", units[unit]);
	else
		snprintf(word, VQI_SCREEN_WORD, "%.*f%c",
			 number >= 99.95   ? 0
			 : number >= 9.995 ? 1
					   : 2,
			 number, units[unit]);
}

void vqi_screen_count(struct vqi_num number, char word[VQI_SCREEN_WORD])
{
	if (!number.known)
		snprintf(word, VQI_SCREEN_WORD, "-");
	else if (number.value < 10000)
		snprintf(word, VQI_SCREEN_WORD, "%" PRIu64, number.value);
	else
		vqi_screen_number((double)number.value, word);
}

void vqi_screen_rate(const struct vqi_rate *rate, char word[VQI_SCREEN_WORD])
{
	char number[VQI_SCREEN_WORD];

	vqi_screen_number(rate->per_second, number);
	if (!rate->known)
		snprintf(word, VQI_SCREEN_WORD, "-");
	else
		snprintf(word, VQI_SCREEN_WORD, "%s%.*s", rate->at_least ? ">" : "",
			 VQI_SCREEN_WORD - 2, number);
}

void vqi_screen_duration(struct vqi_num ms, char word[VQI_SCREEN_WORD])
{
	uint64_t s = ms.value / 1000;
	unsigned int minutes = (unsigned int)(s / 60 % 60), seconds = (unsigned int)(s % 60);

	if (!ms.known)
		snprintf(word, VQI_SCREEN_WORD, "-");
	else if (s < 100)
		snprintf(word, VQI_SCREEN_WORD, "%us", (unsigned int)s);
	else if (s < 600)
		snprintf(word, VQI_SCREEN_WORD, "%um%02us", minutes, seconds);
	else if (s < 3600)
		snprintf(word, VQI_SCREEN_WORD, "%um", minutes);
	else if (s < 10 * 3600)
		snprintf(word, VQI_SCREEN_WORD, "%uh%02um", (unsigned int)(s / 3600), minutes);
	else if (s < 96 * 3600)
		snprintf(word, VQI_SCREEN_WORD, "%uh", (unsigned int)(s / 3600));
	else if (s / 86400 < 9999)
		snprintf(word, VQI_SCREEN_WORD, "%ud", (unsigned int)(s / 86400));
	else
		snprintf(word, VQI_SCREEN_WORD, "ages");
}

void vqi_screen_sparkline(const struct vqi_num *depths, size_t count, bool blocks, char *ret_text)
{
	static const char *const tall[LEVELS] = {"\u2581", "\u2582", "\u2583", "\u2584",
						 "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char *const plain[LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "#"};
	uint64_t most = LEVELS - 1; /* a depth of one is no mountain */

	for (size_t i = 0; i < count; i++) {
		if (depths[i].known && depths[i].value > most)
			most = depths[i].value;
	}
	*ret_text = '\0';
	for (size_t i = 0; i < count; i++) {
		uint64_t depth = depths[i].value, level = depth * (LEVELS - 2) / most;

		level = depth ? level + 1 : 0;
		ret_text = stpcpy(ret_text, !depths[i].known ? " "
					    : blocks	     ? tall[level]
							     : plain[level]);
	}
}
