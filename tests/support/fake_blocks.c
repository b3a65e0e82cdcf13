/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_blocks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_waits.h"

#define MANY 2000 /* bytes of each of many */

enum operation { BLOCK, BLOCKS, FREE };

struct order {
	enum operation operation;
	uint64_t number;
};

static int orders[2], results[2];

static uint64_t give(size_t size)
{
	uint8_t *block = malloc(size);

	for (size_t i = 0; block && i < size; i++)
		block[i] = (uint8_t)(size + i * 7);
	return (uintptr_t)block;
}

static uint64_t execute(const struct order *order)
{
	uint64_t last = 0;

	switch (order->operation) {
	case BLOCK:
		return give(order->number);
	case BLOCKS:
		for (uint64_t i = 0; i < order->number; i++)
			last = give(MANY);
		return last;
	case FREE:
		free((void *)(uintptr_t)order->number);
		return 1;
	}
	return 0;
}

static void *serve(void *arg)
{
	struct order order;
	uint64_t result;

	announce();
	while (read(orders[0], &order, sizeof(order)) == sizeof(order)) {
		result = execute(&order);
		if (write(results[1], &result, sizeof(result)) != sizeof(result))
			break;
	}
	return arg;
}

/* Has another thread do it, always the same. */
static uint64_t delegate(const struct order *order)
{
	uint64_t result;

	if (!orders[1] && (pipe2(orders, O_CLOEXEC) != 0 || pipe2(results, O_CLOEXEC) != 0 ||
			   !start_thread(serve, NULL)))
		return 0;
	if (write(orders[1], order, sizeof(*order)) != sizeof(*order) ||
	    read(results[0], &result, sizeof(result)) != sizeof(result))
		return 0;
	return result;
}

uint64_t fake_blocks_answer(const char *line, const char *argument)
{
	static const char thread[] = "thread-";
	bool is_thread = strncmp(line, thread, sizeof(thread) - 1) == 0;
	struct order order = {.number = strtoull(argument, NULL, 10)};

	line += is_thread ? sizeof(thread) - 1 : 0;
	if (is(line, "block"))
		order.operation = BLOCK;
	else if (is(line, "blocks"))
		order.operation = BLOCKS;
	else if (is(line, "free"))
		order.operation = FREE;
	else
		return 0;
	return is_thread ? delegate(&order) : execute(&order);
}
