/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is a virtio-blk driver and nothing else. It brings up queue 0 of the disk, does one
 * request from beginning to end, then what the last word of its command line says, prints a line to
 * the debug console, and halts for ever. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"
#include "pci.h"

/* VirtIO 1.2, 2.1 and 6. */
#define ACKNOWLEDGE    1
#define DRIVER	       2
#define DRIVER_OK      4
#define FEATURES_OK    8

#define EVENT_IDX      (1U << 29)
#define VERSION_1_HIGH (1U << 0)

#define NO_VECTOR      0xFFFF

#define NUM	       16

/* Of a descriptor. */
#define NEXT  1
#define WRITE 2

/* VirtIO 1.2, 4.1.4.3. */
struct common_cfg {
	uint32_t device_feature_select;
	uint32_t device_feature;
	uint32_t driver_feature_select;
	uint32_t driver_feature;
	uint16_t config_msix_vector;
	uint16_t num_queues;
	uint8_t device_status;
	uint8_t config_generation;
	uint16_t queue_select;
	uint16_t queue_size;
	uint16_t queue_msix_vector;
	uint16_t queue_enable;
	uint16_t queue_notify_off;
	uint32_t queue_desc[2];
	uint32_t queue_driver[2];
	uint32_t queue_device[2];
};

/* A split queue: VirtIO 1.2, 2.7. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[NUM];
	uint16_t used_event;
};

struct used {
	uint16_t flags;
	uint16_t idx;
	struct {
		uint32_t id;
		uint32_t len;
	} ring[NUM];
	uint16_t avail_event;
};

/* VirtIO 1.2, 5.2.6. */
struct request {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
	uint8_t data[512];
	uint8_t status;
};

static volatile struct common_cfg *common;
static volatile uint16_t *notify;
static volatile struct desc desc[NUM] __attribute__((aligned(4096)));
static volatile struct avail avail __attribute__((aligned(4096)));
static volatile struct used used __attribute__((aligned(4096)));
/* They read sector 0. */
static volatile struct request requests[2];

static void find_registers(void)
{
	uint32_t multiplier, unused;
	uintptr_t start = find_virtio(CAP_NOTIFY_CFG, &multiplier);

	common = (volatile struct common_cfg *)find_virtio(CAP_COMMON_CFG, &unused);
	if (!common || !start)
		fail("the device has no registers");
	common->queue_select = 0;
	notify = (volatile uint16_t *)(start + common->queue_notify_off * multiplier);
}

static void negotiate(void)
{
	common->device_status = 0;
	while (common->device_status)
		asm volatile("pause");
	common->device_status = ACKNOWLEDGE;
	common->device_status = ACKNOWLEDGE | DRIVER;
	common->driver_feature_select = 0;
	common->driver_feature = EVENT_IDX;
	common->driver_feature_select = 1;
	common->driver_feature = VERSION_1_HIGH;
	common->device_status = ACKNOWLEDGE | DRIVER | FEATURES_OK;
	if (!(common->device_status & FEATURES_OK))
		fail("the device refuses the features");
}

static void set_up_queue(void)
{
	msix_enable();
	common->config_msix_vector = NO_VECTOR;
	common->queue_size = NUM;
	common->queue_msix_vector = VECTOR;
	if (common->queue_msix_vector != VECTOR)
		fail("the device refuses the vector");
	common->queue_desc[0] = (uintptr_t)desc;
	common->queue_driver[0] = (uintptr_t)&avail;
	common->queue_device[0] = (uintptr_t)&used;
	common->queue_enable = 1;
	common->device_status = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
}

static void set_desc(uint16_t index, volatile void *buffer, uint32_t len, uint16_t flags)
{
	desc[index].addr = (uintptr_t)buffer;
	desc[index].len = len;
	desc[index].flags = flags;
	desc[index].next = index + 1;
}

/* Every request has descriptors of its own, and none is used twice. */
static void publish(void)
{
	uint16_t idx = avail.idx, head = 3 * idx;
	volatile struct request *request = &requests[idx];

	request->status = 0xFF;
	set_desc(head, &request->type, 16, NEXT);
	set_desc(head + 1, request->data, sizeof(request->data), NEXT | WRITE);
	set_desc(head + 2, &request->status, 1, WRITE);
	avail.ring[idx] = head;
	avail.idx = idx + 1;
}

static void kick(void)
{
	*notify = 0;
}

/* Without reaping it: nobody but this processor knows that it has looked. */
static void wait_used(uint16_t idx)
{
	while (used.idx != idx)
		asm volatile("pause");
}

/* All that is used, and ask for an interrupt at the next. */
static void reap(void)
{
	if (requests[used.idx - 1].status)
		fail("the request failed");
	avail.used_event = used.idx;
}

/* What is left behind. */

static void leave_idle(void)
{
}

static void leave_unkicked(void)
{
	publish();
}

static void complete(void)
{
	publish();
	kick();
	wait_used(2);
}

static void leave_unreaped(void)
{
	complete();
	wait_interrupt_pending();
}

static void leave_masked_idle(void)
{
	msix_mask(true);
}

static void leave_masked(void)
{
	msix_mask(true);
	complete();
}

static void leave_masked_function(void)
{
	msix_mask_function();
	complete();
}

static void leave_pending(void)
{
	leave_masked();
	msix_wait_pending();
}

static void leave_unmasked(void)
{
	leave_masked();
	msix_mask(false);
	take_interrupts(2);
	reap();
}

static void leave_unmasked_unreaped(void)
{
	leave_masked();
	msix_mask(false);
	wait_interrupt_pending();
}

static const struct mode {
	const char *name;
	void (*leave)(void);
} modes[] = {
	{"idle", leave_idle},
	/* A request that the device was not told of. */
	{"unkicked", leave_unkicked},
	/* A request that is done, and the interrupt has come. */
	{"unreaped", leave_unreaped},
	{"masked-idle", leave_masked_idle},
	/* A request that is done, and the interrupt cannot come. */
	{"masked", leave_masked},
	{"masked-function", leave_masked_function},
	/* As before, and the driver has asked for the pending bit. */
	{"pending", leave_pending},
	/* As "idle" and "unreaped", but the interrupt has come only when it was unmasked. */
	{"unmasked", leave_unmasked},
	{"unmasked-unreaped", leave_unmasked_unreaped},
};

static bool is_equal(const char *one, const char *other)
{
	while (*one && *one == *other) {
		one++;
		other++;
	}
	return *one == *other;
}

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (is_equal(modes[i].name, name))
			return &modes[i];
	}
	fail("there is no such mode");
}

/* Of the command line that the boot loader tells, which may begin with the path of the program.
 * Multiboot Specification 0.6.96, 3.3. */
static const char *last_word(const uint32_t *info)
{
	const char *word = (const char *)info[4];

	if (!(info[0] & 1 << 2))
		fail("there is no command line");
	for (const char *p = word; *p; p++) {
		if (*p == ' ')
			word = p + 1;
	}
	return word;
}

void main(const uint32_t *info);

void main(const uint32_t *info)
{
	const struct mode *mode = find_mode(last_word(info));

	find_disk();
	find_registers();
	set_up_interrupts();
	negotiate();
	set_up_queue();
	publish();
	kick();
	take_interrupts(1);
	if (used.idx != 1)
		fail("there was an interrupt, but no used buffer");
	reap();
	mode->leave();
	print_address("READY desc=", desc);
	print_address(" avail=", &avail);
	print_address(" used=", &used);
	print("\n");
	halt();
}
