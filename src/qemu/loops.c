/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main loop, the iothreads, and which of them serves a queue. */
#include "vqi/loops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "handlers.h"
#include "objects.h"
#include "unknown.h"

/* Source: util/async.c, enum of QEMUBH.flags. */
#define BH_SCHEDULED (1 << 1)
#define BH_DELETED   (1 << 2)
#define BH_IDLE	     (1 << 4)

/* AioContext.notify_me: bit 0 is the GSource's, the others count the calls of aio_poll() that wait.
 * Source: include/block/aio.h. */
#define NOTIFY_ME_POLLS(notify_me) ((notify_me) >> 1)

/* AioContext.list_lock: the two low bits are its state, the others count who walks the handlers, as
 * aio_poll() does from its start to its last handler. Source: util/lockcnt.c QEMU_LOCKCNT_COUNT_SHIFT. */
#define LIST_LOCK_WALKERS(count) ((count) >> 2)

static void loop_done(struct vqi_loop_contexts *loop)
{
	free(loop->loop.name);
	for (size_t i = 0; i < loop->context_count; i++)
		free(loop->contexts[i].handlers);
	vqi_error_free(loop->unknown);
}

void vqi_loops_done(struct vqi_loops *loops)
{
	for (size_t i = 0; i < loops->count; i++)
		loop_done(&loops->loops[i]);
	free(loops->loops);
	vqi_error_free(loops->unknown);
	*loops = (struct vqi_loops){0};
}
VQI_DEFINE_CLEANUP_VALUE(struct vqi_loops, vqi_loops_done)

/* Bottom halves that wait to be run; one that is idle or deleted need not be. */
static struct vqi_error *count_bottom_halves(struct vqi_qemu *qemu, uint64_t ctx,
					     struct vqi_num *ret_count)
{
	uint64_t bh, flags, count = 0;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, ctx, VQI_F_AioContext_bh_list, &bh);
	for (int i = 0; !error && bh; i++) {
		if (i == VQI_MAX_BOTTOM_HALVES)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d bottom halves",
					     VQI_MAX_BOTTOM_HALVES);
		error = vqi_qemu_field(qemu, bh, VQI_F_QEMUBH_flags, &flags);
		if (!error)
			count += (flags & (BH_SCHEDULED | BH_DELETED | BH_IDLE)) == BH_SCHEDULED;
		if (!error)
			error = vqi_qemu_field(qemu, bh, VQI_F_QEMUBH_next, &bh);
	}
	if (!error)
		*ret_count = VQI_NUM(count);
	return vqi_drop_unknown(error);
}

/* The main loop polls in GLib: an aio_poll() is of code that it called, or of a virtual CPU's thread that
 * holds the big lock. An iothread's own is one, and a handler or bottom half that it runs may call another. */
static struct vqi_error *read_nested(struct vqi_qemu *qemu, struct vqi_loop *loop)
{
	struct vqi_num count = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(
		qemu, loop->ctx_hva,
		loop->is_main ? VQI_F_AioContext_notify_me : VQI_F_AioContext_walkers, &count);
	if (!count.known)
		return error;
	loop->nested = loop->is_main ? VQI_NUM(NOTIFY_ME_POLLS((uint32_t)count.value) != 0)
				     : VQI_NUM(LIST_LOCK_WALKERS((uint32_t)count.value) > 1);
	return error;
}

/* What a loop should do next. */
static struct vqi_error *read_pending(struct vqi_qemu *qemu, struct vqi_loop *loop)
{
	struct vqi_num coroutines = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, loop->ctx_hva, VQI_F_AioContext_scheduled_coroutines,
			       &coroutines);
	if (coroutines.known)
		loop->coroutines = VQI_NUM(coroutines.value != 0);
	if (!error)
		error = vqi_qemu_known(qemu, loop->ctx_hva, VQI_F_AioContext_poll_started,
				       &loop->polling);
	if (!error)
		error = read_nested(qemu, loop);
	/* Last, for they come and go under the reader. */
	return error ? error : count_bottom_halves(qemu, loop->ctx_hva, &loop->bottom_halves);
}

/* What cannot be read of a loop that is there leaves the loop without it. */
static struct vqi_error *read_contexts(struct vqi_qemu *qemu, const uint64_t *contexts,
				       size_t count, struct vqi_loop_contexts *loop)
{
	/* Bottom halves come and go; without them the loop still has its handlers. */
	struct vqi_error *error = vqi_error_keep_fatal(read_pending(qemu, &loop->loop));

	for (size_t i = 0; !error && i < count; i++) {
		error = vqi_aio_context_read(qemu, contexts[i], &loop->contexts[i]);
		loop->context_count += !error;
	}
	if (!error || vqi_error_is_fatal(error))
		return error;
	loop->unknown = error;
	return NULL;
}

/* Takes name, also on failure. */
static struct vqi_error *add_loop(struct vqi_loops *loops, char *name, uint64_t ctx,
				  struct vqi_loop_contexts **ret_loop)
{
	vqi_cleanup_free char *owned = name;
	struct vqi_loop_contexts *grown;

	if (loops->count == VQI_MAX_LOOPS)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d event loops", VQI_MAX_LOOPS);
	grown = reallocarray(loops->loops, loops->count + 1, sizeof(*grown));
	if (!grown || !name)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	loops->loops = grown;
	grown[loops->count] = (struct vqi_loop_contexts){
		.loop = {.name = take_ptr(owned), .ctx_hva = ctx},
	};
	*ret_loop = &grown[loops->count++];
	return NULL;
}

static struct vqi_error *add_main_loop(struct vqi_qemu *qemu, pid_t tid, struct vqi_loops *loops)
{
	struct vqi_loop_contexts *loop;
	struct vqi_error *error;
	uint64_t contexts[2];

	error = vqi_qemu_pointer(qemu, VQI_SYM_qemu_aio_context, &contexts[0]);
	if (!error)
		error = vqi_qemu_pointer(qemu, VQI_SYM_iohandler_ctx, &contexts[1]);
	if (!error && (!contexts[0] || !contexts[1]))
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "there is no main loop yet");
	if (!error)
		error = add_loop(loops, strdup("main loop"), contexts[0], &loop);
	if (error)
		return error;
	loop->loop.is_main = true;
	loop->loop.tid = VQI_NUM(tid);
	return read_contexts(qemu, contexts, 2, loop);
}

static struct vqi_error *add_iothread(struct vqi_qemu *qemu, const struct vqi_object *iothread,
				      struct vqi_loops *loops)
{
	struct vqi_loop_contexts *loop;
	struct vqi_error *error;
	uint64_t ctx;
	char *name;

	error = vqi_qemu_field(qemu, iothread->address, VQI_F_IOThread_ctx, &ctx);
	if (error || !ctx) /* it is being made */
		return error;
	if (asprintf(&name, "iothread %s", iothread->path) < 0)
		name = NULL;
	error = add_loop(loops, name, ctx, &loop);
	if (!error)
		error = vqi_qemu_known(qemu, iothread->address, VQI_F_IOThread_thread_id,
				       &loop->loop.tid);
	return error ? error : read_contexts(qemu, &ctx, 1, loop);
}

/* A storage daemon has no machine. */
static struct vqi_error *find_root(struct vqi_qemu *qemu, uint64_t *ret_root)
{
	struct vqi_error *error;
	uint64_t machine;

	if (qemu->layout->kind == VQI_IMAGE_STORAGE_DAEMON)
		return vqi_qemu_pointer(qemu, VQI_SYM_object_root, ret_root);
	error = vqi_qemu_pointer(qemu, VQI_SYM_current_machine, &machine);
	return error ? error : vqi_qemu_field(qemu, machine, VQI_F_Object_parent, ret_root);
}

/* What -object made is below /objects. Source: qom/object.c object_get_objects_root(). */
struct vqi_error *vqi_qemu_iothreads(struct vqi_qemu *qemu, struct vqi_objects *ret_iothreads)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects containers = {0}, iothreads = {0};
	uint64_t root = 0;
	struct vqi_error *error = find_root(qemu, &root);

	if (!error && !root) /* it is made when somebody asks for it: nobody made an object */
		return NULL;
	if (!error)
		error = vqi_qom_children(qemu, root, "container", &containers);
	for (size_t i = 0; !error && i < containers.count; i++) {
		if (strcmp(containers.objects[i].path, "objects") == 0)
			error = vqi_qom_children(qemu, containers.objects[i].address, "iothread",
						 &iothreads);
	}
	if (error)
		return error;
	*ret_iothreads = iothreads;
	iothreads = (struct vqi_objects){0};
	return NULL;
}

struct vqi_error *vqi_qemu_loops(struct vqi_qemu *qemu, pid_t main_tid, struct vqi_loops *ret_loops)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects iothreads = {0};
	vqi_cleanup(vqi_loops_done) struct vqi_loops loops = {0};
	struct vqi_error *error;

	error = add_main_loop(qemu, main_tid, &loops);
	if (error)
		return error;
	error = vqi_qemu_iothreads(qemu, &iothreads);
	if (error && error->code == VQI_ERROR_NO_LAYOUT)
		loops.unknown = take_ptr(error);
	for (size_t i = 0; !error && i < iothreads.count; i++)
		error = add_iothread(qemu, &iothreads.objects[i], &loops);
	if (error)
		return error;
	*ret_loops = loops;
	loops = (struct vqi_loops){0};
	return NULL;
}

/* An array with an AioContext a queue: from 9.0 on. */
static struct vqi_error *read_mapped(struct vqi_qemu *qemu, uint64_t vdev, enum vqi_field_id field,
				     unsigned int queue, uint64_t *ret_context)
{
	struct vqi_error *error;
	uint64_t array = 0;

	error = vqi_known_pointer(qemu, vdev, field, &array);
	if (!error && array)
		error = vqi_mem_read_uint(qemu->mem, array + 8 * (uint64_t)queue, 8, ret_context);
	return error;
}

struct vqi_error *vqi_qemu_queue_context(struct vqi_qemu *qemu, uint64_t vdev, unsigned int queue,
					 uint64_t *ret_context)
{
	bool is_block, is_scsi = false;
	uint64_t context = 0, dataplane = 0;
	struct vqi_error *error;

	error = vqi_qemu_is_a(qemu, vdev, "virtio-blk-device", &is_block);
	if (!error)
		error = vqi_qemu_is_a(qemu, vdev, "virtio-scsi-device", &is_scsi);
	if (!error && is_block) {
		error = read_mapped(qemu, vdev, VQI_F_VirtIOBlock_vq_aio_context, queue, &context);
		if (!error) /* up to 8.2, of all queues */
			error = vqi_known_pointer(qemu, vdev, VQI_F_VirtIOBlock_dataplane,
						  &dataplane);
		if (!error && dataplane)
			error = vqi_known_pointer(qemu, dataplane, VQI_F_VirtIOBlockDataPlane_ctx,
						  &context);
	}
	if (!error && is_scsi) {
		error = read_mapped(qemu, vdev, VQI_F_VirtIOSCSI_vq_aio_context, queue, &context);
		if (!error && !context) /* up to 9.2, of all queues */
			error = vqi_known_pointer(qemu, vdev, VQI_F_VirtIOSCSI_ctx, &context);
	}
	if (!error)
		*ret_context = context;
	return error;
}
