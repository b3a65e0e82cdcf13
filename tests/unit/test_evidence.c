/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a look finds beside the rings, and when it looks for it. */
#include "evidence.h"

#include <check.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_block.h"
#include "fake_observed.h"
#include "unit.h"

#define NUM	 16
#define IO_ERROR 3 /* run states of fake_run_state() */
#define RUNNING	 1
#define HOST_FD	 20
#define BLK	 0 /* indices of devices */
#define NET	 1

static struct fake_qemu *qemu;
static struct fake_device blk0, net0;
static uint64_t blk; /* BlockBackend */
static struct ring_builder ring;
static struct vqi_observer *observer;
static struct vqi_snapshot *snapshot;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	fake_run_state(qemu, RUNNING);
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	net0 = fake_device(qemu, &(struct fake_device_options){.id = "net0",
							       .type = "virtio-net-device",
							       .device_id = 1,
							       .queues = 5});
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = NUM}, &ring);
	fake_set_notifier(qemu, &blk0, 0, VQI_F_VirtQueue_host_notifier, HOST_FD);
	blk = fake_make(qemu, VQI_S_BlockBackend);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIOBlock_blk, blk);
	fake_block_everything(qemu, blk0.vdev, blk);
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
}

static void teardown(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(take_ptr(qemu));
}

static void look(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	fake_forget(qemu);
	ck_assert_ok(vqi_observer_look(observer, VQI_STOP_NEVER, &snapshot));
	ck_assert_uint_eq(snapshot->device_count, 2);
}

static const struct vqi_queue *queue(size_t device, size_t index)
{
	return &snapshot->devices[device].queues[index];
}

/* Whether the look has read at an address. */
static size_t reads_of(uint64_t address)
{
	size_t found = 0;

	for (size_t i = 0; i < qemu->read_count; i++)
		found += qemu->reads[i].addr == address;
	return found;
}

static void publish(void)
{
	ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
}

static void take(void)
{
	ck_assert(ring_pop(&ring));
	fake_store(qemu, &blk0, 0, &ring);
}

START_TEST(test_what_is_waiting)
{
	static const struct {
		enum vqi_queue_kind kind;
		unsigned int untaken, in_flight, unreaped;
		bool waits;
	} cases[] = {
		{VQI_KIND_REQUEST, 0, 0, 0, false}, {VQI_KIND_REQUEST, 1, 0, 0, true},
		{VQI_KIND_REQUEST, 0, 1, 0, true},  {VQI_KIND_REQUEST, 0, 0, 1, true},
		{VQI_KIND_SEND, 1, 0, 0, true},	    {VQI_KIND_UNKNOWN, 1, 0, 0, true},
		{VQI_KIND_RECEIVE, 1, 1, 0, false}, {VQI_KIND_RECEIVE, 0, 0, 1, true},
	};
	struct vqi_queue queues[2] = {{.kind = VQI_KIND_REQUEST}}, *second = &queues[1];
	struct vqi_device device = {.queues = queues, .queue_count = 2};

	ck_assert(!vqi_device_is_waiting(&device)); /* as far as is known */
	second->last_avail_idx = VQI_NUM(7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		second->kind = cases[i].kind;
		second->avail_idx = VQI_NUM(7 + cases[i].untaken);
		second->in_flight = VQI_NUM(cases[i].in_flight);
		second->unreaped = VQI_NUM(cases[i].unreaped);
		ck_assert_msg(vqi_queue_is_waiting(second) == cases[i].waits, "case %zu", i);
		ck_assert_msg(vqi_device_is_waiting(&device) == cases[i].waits, "case %zu", i);
	}
}
END_TEST

/* ---- chains ---- */

/* Makes the descriptor of the next buffer one of no bytes. */
static void spoil_next(void)
{
	memset(ring.desc + ring.published.buffers[0].id * 16 + 8, 0, 4);
}

START_TEST(test_bad_chain)
{
	publish();
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
	spoil_next();
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, VQI_RING_ZERO_SIZE);
	ck_assert(vqi_num_is(queue(BLK, 0)->fault_place.head, ring.published.buffers[0].id));
	ck_assert_uint_eq(queue(BLK, 0)->last_avail_idx.value, ring.last_avail_idx);
}
END_TEST

/* What the device has taken is its own: no chain is looked at, but the one that it broke at. */
START_TEST(test_taken_chain)
{
	publish();
	spoil_next();
	take();
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
	ck_assert_uint_eq(reads_of(fake_place(qemu, blk0.vdev, VQI_F_VirtIODevice_dma_as)), 0);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_broken, 1);
	fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_inuse, 0);
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, VQI_RING_ZERO_SIZE);
}
END_TEST

/* Once the descriptors were read, the device takes the chain. */
static void take_when_read(struct vqi_fake_mem *mem, void *context)
{
	(void)mem;
	if (reads_of(*(uint64_t *)context))
		fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_last_avail_idx,
			 ring.last_avail_idx + 1);
}

START_TEST(test_chain_taken_meanwhile)
{
	uint64_t descriptors;

	publish();
	spoil_next();
	look();
	descriptors = queue(BLK, 0)->desc_hva;
	ck_assert_uint_eq(reads_of(descriptors), 1);
	qemu->fake->context = &descriptors;
	qemu->fake->before_read = take_when_read;
	look();
	ck_assert_uint_eq(reads_of(descriptors), 1);
	ck_assert(vqi_num_is(queue(BLK, 0)->last_avail_idx, ring.last_avail_idx));
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
	ck_assert(!queue(BLK, 0)->fault_place.head.known);
}
END_TEST

/* No two readings agree: what is untaken is uncertain. */
static void change_always(struct vqi_fake_mem *mem, void *context)
{
	(void)context;
	fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_signalled_used, mem->calls);
}

START_TEST(test_moving_queue)
{
	publish();
	spoil_next();
	qemu->fake->before_read = change_always;
	look();
	ck_assert(!queue(BLK, 0)->consistent);
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
}
END_TEST

/* Gives the disk RAM for so many of the ring's buffers. */
static void give_ram(unsigned int buffers)
{
	uint64_t space = fake_make(qemu, VQI_S_AddressSpace);
	uint64_t view = fake_make(qemu, VQI_S_FlatView), range = fake_make(qemu, VQI_S_FlatRange);
	uint64_t region = fake_make(qemu, VQI_S_MemoryRegion);
	uint64_t block = fake_make(qemu, VQI_S_RAMBlock);

	fake_set(qemu, block, VQI_F_RAMBlock_host, 0x7fa000000000);
	fake_set(qemu, region, VQI_F_MemoryRegion_ram_block, block);
	fake_set(qemu, range, VQI_F_FlatRange_mr, region);
	fake_set(qemu, range, VQI_F_FlatRange_start, RING_GPA);
	fake_set(qemu, range, VQI_F_FlatRange_size, (uint64_t)buffers * RING_BUFFER);
	fake_set(qemu, view, VQI_F_FlatView_ranges, range);
	fake_set(qemu, view, VQI_F_FlatView_nr, 1);
	fake_set(qemu, space, VQI_F_AddressSpace_current_map, view);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_dma_as, space);
}

/* Where RAM is unknown, no address is wrong. */
START_TEST(test_addresses)
{
	publish();
	publish();
	look(); /* dma_as is not set */
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
	give_ram(2);
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
	give_ram(1);
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, VQI_RING_BAD_ADDRESS);
	qemu->layout.fields[VQI_F_VirtIODevice_dma_as].present = false;
	look();
	ck_assert_uint_eq(queue(BLK, 0)->ring_faults, 0);
}
END_TEST

/* ---- what the device works with ---- */

START_TEST(test_block_only_where_something_waits)
{
	look();
	ck_assert_uint_eq(snapshot->devices[BLK].backend_count, 1);
	ck_assert_uint_eq(snapshot->devices[BLK].backends[0].block.blk_hva, 0);
	publish();
	for (int i = 0; i < 2; i++) { /* untaken; in flight */
		look();
		ck_assert_uint_eq(snapshot->devices[BLK].backends[0].block.blk_hva, blk);
		ck_assert_uint_eq(snapshot->devices[BLK].backends[0].block.node_count, 2);
		take();
		publish();
	}
}
END_TEST

/* The VM stopped for an error: the requests are parked, and no queue need show it. */
START_TEST(test_block_after_an_error)
{
	fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, IO_ERROR);
	look();
	ck_assert_uint_eq(snapshot->devices[BLK].backends[0].block.blk_hva, blk);
	ck_assert(vqi_num_is(snapshot->devices[BLK].backends[0].block.parked, 1));
}
END_TEST

/* A client of each pair, with so many packets and ten times as many. */
static void make_packets(void)
{
	size_t stride = qemu->layout.structs[VQI_S_NetClientState].size;
	uint64_t nic = fake_make(qemu, VQI_S_NICState), clients = fake_alloc(qemu, 2 * stride);

	fake_set(qemu, net0.vdev, VQI_F_VirtIONet_nic, nic);
	fake_set(qemu, nic, VQI_F_NICState_ncs, clients);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t packets = fake_make(qemu, VQI_S_NetQueue);

		fake_set(qemu, clients + i * stride, VQI_F_NetClientState_incoming_queue, packets);
		fake_set(qemu, packets, VQI_F_NetQueue_nq_count, i ? 70 : 7);
	}
}

/* Where the driver has posted no buffers. */
START_TEST(test_waiting_packets)
{
	struct ring_builder rx[5];

	make_packets();
	look();
	for (unsigned int i = 0; i < 5; i++)
		ck_assert(!queue(NET, i)->waiting_packets.known);
	for (unsigned int i = 0; i < 5; i++)
		fake_ring(qemu, &net0, i, &(struct ring_options){.num = NUM}, &rx[i]);
	look();
	for (unsigned int i = 0; i < 5; i++)
		ck_assert_int_eq(queue(NET, i)->waiting_packets.known, i == 0 || i == 2);
	ck_assert(vqi_num_is(queue(NET, 0)->waiting_packets, 7));
	ck_assert(vqi_num_is(queue(NET, 2)->waiting_packets, 70));
	ck_assert(ring_add(&rx[2], 1));
	ring_publish(&rx[2]);
	look();
	ck_assert(queue(NET, 0)->waiting_packets.known);
	ck_assert(!queue(NET, 2)->waiting_packets.known);
	fake_set(qemu, net0.vdev, VQI_F_VirtIODevice_vhost_started, 1);
	look();
	ck_assert(!queue(NET, 0)->waiting_packets.known);
}
END_TEST

START_TEST(test_interrupts)
{
	look();
	for (int i = 0; i < 2; i++) {
		ck_assert(vqi_num_is(snapshot->devices[i].msix_enabled, 0));
		ck_assert(vqi_num_is(snapshot->devices[i].ioeventfd_started, 0));
	}
	/* Of a device that could not be read nothing is. */
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vq, 0);
	fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, IO_ERROR);
	look();
	ck_assert(snapshot->devices[BLK].unread);
	ck_assert(!snapshot->devices[BLK].ioeventfd_started.known);
	ck_assert_uint_eq(snapshot->devices[BLK].backends[0].block.blk_hva, 0);
	ck_assert(snapshot->devices[NET].ioeventfd_started.known);
}
END_TEST

/* ---- kicks ---- */

/* A list with one notifier in it. */
static uint64_t make_ioeventfds(uint64_t notifier)
{
	uint64_t array = fake_make(qemu, VQI_S_MemoryRegionIoeventfd);
	uint64_t space = fake_symbol(qemu, VQI_SYM_address_space_memory);

	fake_set(qemu, array, VQI_F_MemoryRegionIoeventfd_e, notifier);
	fake_set(qemu, space, VQI_F_AddressSpace_ioeventfds, array);
	fake_set(qemu, space, VQI_F_AddressSpace_ioeventfd_nb, 1);
	fake_set(qemu, space, VQI_F_AddressSpace_ioeventfd_notifiers, 1);
	fake_set(qemu, fake_symbol(qemu, VQI_SYM_address_space_io),
		 VQI_F_AddressSpace_ioeventfd_notifiers, 1);
	return fake_place(qemu, array, VQI_F_MemoryRegionIoeventfd_e);
}

START_TEST(test_ioeventfd)
{
	uint64_t notifier =
		fake_place(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_host_notifier);
	uint64_t entry = make_ioeventfds(notifier);
	struct ring_builder rings[2];

	look(); /* nothing was kicked for */
	ck_assert(!queue(BLK, 0)->ioeventfd.known);
	ck_assert_uint_eq(reads_of(entry), 0);
	publish();
	for (unsigned int i = 0; i < 2; i++) { /* rx, tx */
		fake_ring(qemu, &net0, i, &(struct ring_options){.num = NUM}, &rings[i]);
		fake_set_notifier(qemu, &net0, i, VQI_F_VirtQueue_host_notifier, HOST_FD + 1);
		ck_assert(ring_add(&rings[i], 1));
		ring_publish(&rings[i]);
	}
	look();
	ck_assert(vqi_num_is(queue(BLK, 0)->ioeventfd, 1));
	ck_assert(!queue(NET, 0)->ioeventfd.known); /* buffers wait there for packets */
	ck_assert(vqi_num_is(queue(NET, 1)->ioeventfd, 0));
	ck_assert_uint_eq(reads_of(entry), 1); /* for all of them */
	fake_set_notifier(qemu, &blk0, 0, VQI_F_VirtQueue_host_notifier, -1);
	look();
	ck_assert(!queue(BLK, 0)->ioeventfd.known);
	qemu->layout.symbols[VQI_SYM_address_space_io].present = false;
	look();
	ck_assert(!queue(NET, 1)->ioeventfd.known);
}
END_TEST

/* Empties an eventfd as soon as virtual CPUs are looked for: after the first reading. */
static void drain(struct vqi_fake_mem *mem, void *context)
{
	eventfd_t value;

	(void)mem;
	if (reads_of(fake_symbol(qemu, VQI_SYM_cpus)))
		eventfd_read(*(int *)context, &value);
}

/* Its kick is looked for before all else, and once more after it. */
START_TEST(test_kick_is_looked_for_twice)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
	struct vqi_process *process;

	ck_assert_ok(vqi_process_open(getpid(), &process));
	observer->process = process;
	fake_set_notifier(qemu, &blk0, 0, VQI_F_VirtQueue_host_notifier, fd);
	look();
	ck_assert(queue(BLK, 0)->kick_pending);
	ck_assert(vqi_num_is(queue(BLK, 0)->host_notifier_count, 3));
	qemu->fake->context = &fd;
	qemu->fake->before_read = drain;
	look();
	ck_assert(!queue(BLK, 0)->kick_pending);
	ck_assert(vqi_num_is(queue(BLK, 0)->host_notifier_count, 0));
	vqi_process_close(process);
	close(fd);
}
END_TEST

/* However far the look has come. */
START_TEST(test_target_ends)
{
	make_packets();
	make_ioeventfds(1);
	give_ram(NUM);
	publish();
	assert_every_end_is_told(qemu, VQI_STOP_NEVER, &observer);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("evidence");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_what_is_waiting);
	tcase_add_test(tcase, test_bad_chain);
	tcase_add_test(tcase, test_taken_chain);
	tcase_add_test(tcase, test_chain_taken_meanwhile);
	tcase_add_test(tcase, test_moving_queue);
	tcase_add_test(tcase, test_addresses);
	tcase_add_test(tcase, test_block_only_where_something_waits);
	tcase_add_test(tcase, test_block_after_an_error);
	tcase_add_test(tcase, test_waiting_packets);
	tcase_add_test(tcase, test_interrupts);
	tcase_add_test(tcase, test_ioeventfd);
	tcase_add_test(tcase, test_kick_is_looked_for_twice);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("evidence", tcase);
}
