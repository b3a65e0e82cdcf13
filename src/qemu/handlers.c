/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an AioContext listens to. Source: util/aio-posix.c, include/block/aio.h. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "unknown.h"

#define MAX_TRIES 8 /* readings of a list until two agree */

/* The bytes of a list of AioHandlers, and where each of them lies. */
struct list {
	uint64_t head; /* what AioContext.aio_handlers says */
	uint64_t *addresses;
	uint8_t *bytes; /* span each */
	size_t count, room;
	uint32_t span;
};

static void list_done(struct list *list)
{
	free(list->addresses);
	free(list->bytes);
}
VQI_DEFINE_CLEANUP_VALUE(struct list, list_done)

static struct vqi_error *list_grow(struct list *list)
{
	size_t room = list->room ? 2 * list->room : 64;
	uint64_t *addresses;
	uint8_t *bytes;

	if (list->count < list->room)
		return NULL;
	if (list->count >= VQI_MAX_HANDLERS)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d handlers", VQI_MAX_HANDLERS);
	addresses = reallocarray(list->addresses, room, sizeof(*addresses));
	if (addresses)
		list->addresses = addresses;
	bytes = reallocarray(list->bytes, room, list->span);
	if (bytes)
		list->bytes = bytes;
	if (!addresses || !bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	list->room = room;
	return NULL;
}

static struct vqi_view view_of(const struct vqi_qemu *qemu, const struct list *list, size_t index)
{
	return (struct vqi_view){
		.layout = qemu->layout,
		.addr = list->addresses[index],
		.data = list->bytes + index * list->span,
		.len = list->span,
	};
}

/* Follows the list, entry by entry. */
static struct vqi_error *walk(struct vqi_qemu *qemu, uint64_t ctx, struct list *list)
{
	struct vqi_error *error;
	uint64_t address;

	error = vqi_qemu_field(qemu, ctx, VQI_F_AioContext_aio_handlers, &list->head);
	list->count = 0;
	for (address = list->head; !error && address; list->count++) {
		struct vqi_view view;

		error = list_grow(list);
		if (error)
			break;
		list->addresses[list->count] = address;
		error = vqi_mem_read(qemu->mem, address, list->bytes + list->count * list->span,
				     list->span);
		if (error)
			break;
		view = view_of(qemu, list, list->count);
		address = vqi_view_first_pointer(&view, VQI_F_AioHandler_node);
	}
	return error;
}

/* Reads all of the list again in one go: it is the same only if nobody changed it meanwhile. */
static struct vqi_error *is_unchanged(struct vqi_qemu *qemu, uint64_t ctx, const struct list *list,
				      bool *ret_unchanged)
{
	vqi_cleanup_free struct vqi_range *ranges = calloc(list->count + 1, sizeof(*ranges));
	vqi_cleanup_free uint8_t *again = calloc(list->count + 1, list->span);
	struct vqi_error *error;
	uint64_t head;
	bool same;

	if (!ranges || !again)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < list->count; i++)
		ranges[i] = (struct vqi_range){
			.addr = list->addresses[i],
			.buf = again + i * list->span,
			.len = list->span,
		};
	error = vqi_mem_readv(qemu->mem, ranges, list->count);
	if (!error)
		error = vqi_qemu_field(qemu, ctx, VQI_F_AioContext_aio_handlers, &head);
	if (error)
		return error;
	same = head == list->head;
	for (size_t i = 0; i < list->count; i++) {
		struct vqi_view before = view_of(qemu, list, i), now = before;

		now.data = ranges[i].buf;
		same = same && ranges[i].ok &&
		       vqi_view_first_pointer(&now, VQI_F_AioHandler_node) ==
			       vqi_view_first_pointer(&before, VQI_F_AioHandler_node) &&
		       vqi_view_uint_or(&now, VQI_F_AioHandler_opaque, 1) ==
			       vqi_view_uint_or(&before, VQI_F_AioHandler_opaque, 0);
	}
	*ret_unchanged = same;
	return NULL;
}

static struct vqi_error *read_list(struct vqi_qemu *qemu, uint64_t ctx, struct list *list)
{
	struct vqi_error *error = NULL;
	bool unchanged;

	list->span = vqi_layout_span(qemu->layout, VQI_S_AioHandler);
	for (int i = 0; i < MAX_TRIES; i++) {
		vqi_error_free(error);
		error = walk(qemu, ctx, list);
		if (!error)
			error = is_unchanged(qemu, ctx, list, &unchanged);
		if (error && vqi_error_is_fatal(error))
			return error;
		if (!error && unchanged)
			return NULL;
	}
	return error ? error
		     : vqi_error_new(VQI_ERROR_BAD_DATA,
				     "the list changed %d times while it was read", MAX_TRIES);
}

static struct vqi_error *check_fields(const struct vqi_layout *layout)
{
	static const enum vqi_field_id needed[] = {VQI_F_AioHandler_node, VQI_F_AioHandler_opaque};

	return vqi_layout_need(layout, needed, sizeof(needed) / sizeof(needed[0]));
}

static int compare_opaque(const void *a, const void *b)
{
	const struct vqi_aio_handler *left = a, *right = b;

	return left->opaque < right->opaque ? -1 : left->opaque > right->opaque;
}

const struct vqi_aio_handler *vqi_aio_context_find(const struct vqi_aio_context *context,
						   uint64_t opaque)
{
	const struct vqi_aio_handler key = {.opaque = opaque};

	return bsearch(&key, context->handlers, context->handler_count, sizeof(key),
		       compare_opaque);
}

const struct vqi_aio_handler *vqi_aio_context_find_fd(const struct vqi_aio_context *context,
						      struct vqi_num fd)
{
	for (size_t i = 0; i < context->handler_count; i++) {
		if (fd.known && vqi_num_equal(context->handlers[i].fd, fd))
			return &context->handlers[i];
	}
	return NULL;
}

static struct vqi_num decode_fd(const struct vqi_view *view)
{
	uint64_t fd;

	return vqi_view_uint(view, VQI_F_AioHandler_fd, &fd) ? VQI_NUM(fd) : VQI_UNKNOWN;
}

static struct vqi_error *decode(const struct vqi_qemu *qemu, const struct list *list,
				struct vqi_aio_context *context)
{
	context->handlers = calloc(list->count + 1, sizeof(*context->handlers));
	if (!context->handlers)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < list->count; i++) {
		struct vqi_view view = view_of(qemu, list, i);

		/* One that is taken away while the list is in use stays in it, and is passed over.
		 * Source: util/aio-posix.c aio_remove_fd_handler(). */
		if (vqi_view_uint_or(&view, VQI_F_AioHandler_deleted, 0))
			continue;
		context->handlers[context->handler_count++] = (struct vqi_aio_handler){
			.opaque = vqi_view_uint_or(&view, VQI_F_AioHandler_opaque, 0),
			.fd = decode_fd(&view),
			.reads = vqi_view_uint_or(&view, VQI_F_AioHandler_io_read, 1),
			.polls = vqi_view_uint_or(&view, VQI_F_AioHandler_io_poll, 0) &&
				 vqi_view_uint_or(&view, VQI_F_AioHandler_polled, 1),
			.is_external = vqi_view_uint_or(&view, VQI_F_AioHandler_is_external, 0),
		};
	}
	qsort(context->handlers, context->handler_count, sizeof(*context->handlers),
	      compare_opaque);
	return NULL;
}

struct vqi_error *vqi_aio_context_read(struct vqi_qemu *qemu, uint64_t ctx,
				       struct vqi_aio_context *ret_context)
{
	vqi_cleanup(list_done) struct list list = {0};
	struct vqi_aio_context context = {.hva = ctx};
	struct vqi_error *error = check_fields(qemu->layout);

	if (!error)
		error = read_list(qemu, ctx, &list);
	if (!error)
		error = vqi_qemu_known(qemu, ctx, VQI_F_AioContext_external_disable_cnt,
				       &context.external_disable_cnt);
	if (!error)
		error = vqi_qemu_known(qemu, ctx, VQI_F_AioContext_poll_started,
				       &context.poll_started);
	if (!error)
		error = decode(qemu, &list, &context);
	if (!error)
		*ret_context = context;
	return error;
}
