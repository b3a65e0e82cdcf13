/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fold.h"

#include <ctype.h>

#include "vqi/cleanup.h"

/* How many of the numbers, from the first, each are step more than the one before. */
static size_t run_length(const unsigned int *numbers, size_t count, unsigned int step)
{
	size_t len = 1;

	while (len < count && numbers[len] - numbers[len - 1] == step)
		len++;
	return len;
}

/* Prints the numbers that can be said together; returns how many. */
static size_t print_run(FILE *out, const unsigned int *numbers, size_t count)
{
	size_t len = run_length(numbers, count, 1);

	if (len >= 2) {
		fprintf(out, "%u-%u", numbers[0], numbers[len - 1]);
		return len;
	}
	len = run_length(numbers, count, 2);
	if (len >= 4) {
		fprintf(out, "%u,%u..%u", numbers[0], numbers[1], numbers[len - 1]);
		return len;
	}
	fprintf(out, "%u", numbers[0]);
	return 1;
}

void vqi_fold_numbers(FILE *out, const unsigned int *numbers, size_t count)
{
	for (size_t i = 0; i < count;) {
		if (i)
			fputc(',', out);
		i += print_run(out, numbers + i, count - i);
	}
}

static const char *skip_digits(const char *text)
{
	while (isdigit((unsigned char)*text))
		text++;
	return text;
}

/* Whether two roles are the same but for a number in them. */
static bool is_same_role(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	for (;;) {
		a = skip_digits(a);
		b = skip_digits(b);
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static void print_role(FILE *out, const char *role, bool with_number)
{
	fputc(' ', out);
	for (; *role; role++)
		if (with_number || !isdigit((unsigned char)*role))
			fputc(*role, out);
}

/* Takes the queues of one role, the first of which is at index first, out of the waiting ones.
 * Returns how many numbers it has stored. */
static size_t take_role(const struct vqi_device *device, size_t first, bool *waiting,
			enum vqi_queue_state state, unsigned int *ret_numbers)
{
	size_t count = 0;

	for (size_t i = first; i < device->queue_count; i++) {
		const struct vqi_queue *queue = &device->queues[i];

		if (!waiting[i] || queue->state != state ||
		    !is_same_role(queue->role, device->queues[first].role))
			continue;
		waiting[i] = false;
		ret_numbers[count++] = queue->index;
	}
	return count;
}

bool vqi_fold_roles(FILE *out, const struct vqi_device *device, const bool *folded,
		    enum vqi_queue_state state, size_t *ret_count)
{
	vqi_cleanup_free unsigned int *numbers = calloc(device->queue_count + 1, sizeof(*numbers));
	vqi_cleanup_free bool *waiting = calloc(device->queue_count + 1, sizeof(*waiting));
	size_t total = 0;

	if (!numbers || !waiting)
		return false;
	for (size_t i = 0; i < device->queue_count; i++)
		waiting[i] = folded[i];
	for (size_t i = 0; i < device->queue_count; i++) {
		const char *role = device->queues[i].role;
		size_t count;

		if (!waiting[i] || device->queues[i].state != state)
			continue;
		count = take_role(device, i, waiting, state, numbers);
		fputs(total ? ", " : "", out);
		vqi_fold_numbers(out, numbers, count);
		if (role)
			print_role(out, role, count == 1);
		total += count;
	}
	*ret_count = total;
	return true;
}
