/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/candidates.h"
#include "vqi/cleanup.h"

const char *vqi_command_next(struct vqi_command *command)
{
	const char *word = command->at;

	if (word >= command->end)
		return NULL;
	command->at += strlen(word) + 1;
	return word;
}

const char *vqi_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The word without its dashes; NULL: it is no option. */
static const char *option_of(const char *word)
{
	if (word[0] != '-')
		return NULL;
	return word[1] == '-' ? word + 2 : word + 1;
}

bool vqi_is_option(const char *word, const char *option)
{
	const char *name = option_of(word);

	return name && strcmp(name, option) == 0;
}

/* Reads on to the comma that ends a value, which is not one of two in a row: two stand for one. Returns a copy. */
static char *take_value(const char **at)
{
	char *value = malloc(strlen(*at) + 1), *end = value;

	if (!value)
		return NULL;
	for (; **at; (*at)++) {
		if (**at == ',' && *++*at != ',')
			break;
		*end++ = **at;
	}
	*end = '\0';
	return value;
}

/* Takes the guest's name from "guest=web1,debug-threads=on" or "web1,process=qemu"; of several the last counts. */
static struct vqi_error *take_guest(const char *text, char **name)
{
	static const char key[] = "guest=";
	bool is_first = true;

	while (*text) {
		bool is_keyed = strncmp(text, key, strlen(key)) == 0;
		bool is_guest = is_keyed || (is_first && text[strcspn(text, "=,")] !=
								 '='); /* the key is left out */
		char *value;

		text += is_keyed ? strlen(key) : 0;
		value = take_value(&text);
		if (!value)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		if (is_guest) {
			free(*name);
			*name = value;
		} else {
			free(value);
		}
		is_first = false;
	}
	return NULL;
}

/* What follows "-name" in a word of its own, or "-name=" in the same; NULL: the word is another. */
static const char *value_of_name(const char *word, struct vqi_command *rest)
{
	static const char joined[] = "name=";
	const char *name = option_of(word);

	if (vqi_is_option(word, "name"))
		return vqi_command_next(rest);
	return name && strncmp(name, joined, strlen(joined)) == 0 ? name + strlen(joined) : NULL;
}

struct vqi_error *vqi_command_vm_name(const char *words, size_t len, char **ret_name)
{
	struct vqi_command command = {.at = words, .end = words + len};
	vqi_cleanup_free char *name = NULL;
	struct vqi_error *error = NULL;
	const char *word;

	while (!error && (word = vqi_command_next(&command))) {
		const char *value = value_of_name(word, &command);

		if (value)
			error = take_guest(value, &name);
	}
	if (error)
		return error;
	*ret_name = name && name[0] ? take_ptr(name) : NULL;
	return NULL;
}
