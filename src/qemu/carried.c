/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk has taken goes on as a request of the block layer, in a coroutine: from the one to the other, through blocks
 * of memory that point back. So it is found wherever it waits: in a driver, for its turn in a throttle group, for a
 * drain to end, for another request. */
#include <stdlib.h>
#include <string.h>

#include "vqi/checked.h"
#include "vqi/in_flight.h"

/* ---- which request an address belongs to ---- */

struct key {
	uint64_t address;
	size_t index; /* of the request */
};

struct keys {
	struct key *keys; /* sorted before they are asked */
	size_t count, room;
};

static void keys_done(struct keys *keys)
{
	free(keys->keys);
}
VQI_DEFINE_CLEANUP_VALUE(struct keys, keys_done)

static struct vqi_error *keys_add(struct keys *keys, uint64_t address, size_t index)
{
	struct key *grown;

	if (keys->count == keys->room) {
		keys->room = keys->room ? keys->room * 2 : 64;
		grown = reallocarray(keys->keys, keys->room, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		keys->keys = grown;
	}
	keys->keys[keys->count++] = (struct key){.address = address, .index = index};
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct key *left = a, *right = b;

	if (left->address == right->address)
		return 0;
	return left->address < right->address ? -1 : 1;
}

static void keys_sort(struct keys *keys)
{
	if (keys->count)
		qsort(keys->keys, keys->count, sizeof(*keys->keys), compare);
}

static const struct key *keys_find(const struct keys *keys, uint64_t address)
{
	const struct key key = {.address = address};

	return keys->count ? bsearch(&key, keys->keys, keys->count, sizeof(key), compare) : NULL;
}

/* ---- structures in blocks ---- */

static bool may_be(const struct vqi_layout *layout, const struct vqi_chunk *chunk,
		   enum vqi_struct_id id)
{
	return chunk && layout->structs[id].present &&
	       vqi_chunk_is_for(chunk->len, layout->structs[id].size);
}

/* The request of which a structure has the key in a field; NULL: of none. */
static const struct key *owner(const struct vqi_layout *layout, const struct vqi_chunk *chunk,
			       enum vqi_struct_id id, enum vqi_field_id field,
			       const struct keys *keys)
{
	struct vqi_view view = vqi_chunk_view(layout, chunk);
	uint64_t value;

	if (!may_be(layout, chunk, id) || !vqi_view_uint(&view, field, &value))
		return NULL;
	return keys_find(keys, value);
}

/* ---- the disk's own structures ---- */

static bool begins(const struct vqi_layout *layout, const struct vqi_element *element,
		   enum vqi_struct_id id)
{
	return layout->structs[id].present && element->in_addr >= layout->structs[id].size &&
	       element->in_addr - layout->structs[id].size < 8;
}

static void take_start(const struct vqi_view *view, enum vqi_field_id field,
		       struct vqi_carried *carried)
{
	uint64_t start;

	if (vqi_view_uint(view, field, &start) && start)
		carried->start_ns = VQI_NUM(start);
}

/* What the block layer is told of: a virtio-blk request as it is, of a virtio-scsi one, whose structure is followed
 * by its CDB, the SCSIRequest. */
static struct vqi_error *add_request(const struct vqi_layout *layout, const struct vqi_heap *heap,
				     struct vqi_carried *carried, size_t index, struct keys *keys)
{
	struct vqi_view view = vqi_chunk_view(layout, carried->element->chunk);
	const struct vqi_chunk *scsi;
	uint64_t request = 0;

	if (begins(layout, carried->element, VQI_S_VirtIOBlockReq)) {
		take_start(&view, VQI_F_VirtIOBlockReq_acct_start, carried);
		return keys_add(keys, view.addr, index);
	}
	if (!layout->structs[VQI_S_VirtIOSCSIReq].present ||
	    carried->element->in_addr < layout->structs[VQI_S_VirtIOSCSIReq].size ||
	    !vqi_view_uint(&view, VQI_F_VirtIOSCSIReq_sreq, &request))
		return NULL;
	scsi = vqi_heap_find(heap, request);
	if (!may_be(layout, scsi, VQI_S_SCSIDiskReq))
		return NULL;
	vqi_heap_use(heap, scsi);
	view = vqi_chunk_view(layout, scsi);
	take_start(&view, VQI_F_SCSIDiskReq_acct_start, carried);
	return keys_add(keys, request, index);
}

/* ---- the block layer's ---- */

/* The same where a structure of the request's own lies between, which begins with a pointer to it. Source:
 * hw/scsi/scsi-disk.c UnmapCBData, WriteSameCBData. */
static const struct key *owner_beyond(const struct vqi_layout *layout, const struct vqi_heap *heap,
				      const struct vqi_chunk *chunk, enum vqi_struct_id id,
				      enum vqi_field_id field, const struct keys *keys)
{
	struct vqi_view view = vqi_chunk_view(layout, chunk);
	const struct vqi_chunk *between;
	const struct key *key;
	uint64_t value, first;

	if (!may_be(layout, chunk, id) || !vqi_view_uint(&view, field, &value))
		return NULL;
	between = vqi_heap_find(heap, value);
	if (!between)
		return NULL;
	memcpy(&first, between->data, sizeof(first));
	key = keys_find(keys, first);
	if (key)
		vqi_heap_use(heap, between);
	return key;
}

static struct vqi_error *add_aiocbs(const struct vqi_layout *layout, const struct vqi_heap *heap,
				    enum vqi_struct_id id, enum vqi_field_id opaque,
				    const struct keys *keys, struct keys *ret_keys)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < heap->count; i++) {
		const struct key *key = owner(layout, &heap->chunks[i], id, opaque, keys);

		if (!key)
			key = owner_beyond(layout, heap, &heap->chunks[i], id, opaque, keys);
		if (!key)
			continue;
		vqi_heap_use(heap, &heap->chunks[i]);
		error = keys_add(ret_keys, heap->chunks[i].address, key->index);
	}
	return error;
}

/* It names the BlockBackend, too, which is in use. */
static bool has_backend(const struct vqi_layout *layout, const struct vqi_heap *heap,
			uint64_t aiocb)
{
	const struct vqi_chunk *chunk = vqi_heap_find(heap, aiocb), *backend;
	struct vqi_view view = vqi_chunk_view(layout, chunk);
	uint64_t blk;

	if (!vqi_view_uint(&view, VQI_F_BlkAioEmAIOCB_blk, &blk))
		return false;
	backend = vqi_heap_find(heap, blk);
	if (backend)
		vqi_heap_use(heap, backend);
	return backend;
}

/* Requests in the form of the block layer: BlkAioEmAIOCB, below which a SCSI disk has a DMAAIOCB. */
static struct vqi_error *find_aiocbs(const struct vqi_layout *layout, const struct vqi_heap *heap,
				     struct keys *keys, struct keys *ret_aiocbs)
{
	vqi_cleanup(keys_done) struct keys dma = {0};
	size_t kept = 0;
	struct vqi_error *error;

	keys_sort(keys);
	error = add_aiocbs(layout, heap, VQI_S_DMAAIOCB, VQI_F_DMAAIOCB_opaque, keys, &dma);
	for (size_t i = 0; !error && i < dma.count; i++)
		error = keys_add(keys, dma.keys[i].address, dma.keys[i].index);
	if (error)
		return error;
	keys_sort(keys);
	error = add_aiocbs(layout, heap, VQI_S_BlkAioEmAIOCB, VQI_F_BlkAioEmAIOCB_opaque, keys,
			   ret_aiocbs);
	for (size_t i = 0; !error && i < ret_aiocbs->count; i++) {
		if (has_backend(layout, heap, ret_aiocbs->keys[i].address))
			ret_aiocbs->keys[kept++] = ret_aiocbs->keys[i];
	}
	ret_aiocbs->count = kept;
	keys_sort(ret_aiocbs);
	return error;
}

/* Of an export each request has a coroutine of its own. Source: block/export/vhost-user-blk-server.c
 * vu_blk_process_vq(). */
static struct vqi_error *add_own_carriers(const struct vqi_layout *layout,
					  const struct vqi_carried *carried, size_t count,
					  struct keys *aiocbs)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < count; i++) {
		if (begins(layout, carried[i].element, VQI_S_VuBlkReq))
			error = keys_add(aiocbs, carried[i].element->chunk->address, i);
	}
	keys_sort(aiocbs);
	return error;
}

/* ---- coroutines ---- */

/* Bytes of its stack that a coroutine which has ended uses at most: it is in the function that switched to another, called by
 * the first of all. They are 80 in QEMU 5.2 to 11.1 on x86-64; one that waits for a disk uses three times as many and
 * more. Source: util/coroutine-ucontext.c coroutine_trampoline(). */
#define ENDED_USES 160

/* Copies the words of a jmp_buf. */
static bool read_env(const struct vqi_view *view, uint64_t words[VQI_JMP_BUF_WORDS])
{
	struct vqi_view env = vqi_view_member(view, VQI_F_CoroutineUContext_env);

	if (env.len < VQI_JMP_BUF_WORDS * sizeof(*words))
		return false;
	memcpy(words, env.data, VQI_JMP_BUF_WORDS * sizeof(*words));
	return true;
}

/* A coroutine that has ended keeps its argument until it is used again, which may be the memory of another request by
 * then. It runs, or waits for another that it called, if it was entered from somewhere; its registers are what they were
 * before. */
static void take_coroutine(const struct vqi_view *view, unsigned int machine, uint64_t guard,
			   struct vqi_carried *carried)
{
	struct vqi_registers registers = {0};
	uint64_t words[VQI_JMP_BUF_WORDS], stack, size, caller, end;
	bool is_known;

	if (!vqi_view_uint(view, VQI_F_CoroutineUContext_stack, &stack) ||
	    !vqi_view_uint(view, VQI_F_CoroutineUContext_stack_size, &size) ||
	    !vqi_view_uint(view, VQI_F_Coroutine_caller, &caller) || !read_env(view, words))
		return;
	is_known = vqi_jmp_buf_registers(machine, words, guard, &registers) &&
		   vqi_add_u64(stack, size, &end) && registers.sp >= stack && registers.sp < end &&
		   end - registers.sp > ENDED_USES;
	if (!is_known && !caller)
		return;
	if (carried->coroutine_hva && !caller &&
	    (carried->carrier == VQI_CARRIER_RUNNING ||
	     carried->registers.sp - carried->stack_hva <= registers.sp - stack))
		return;
	carried->coroutine_hva = view->addr;
	carried->stack_hva = stack;
	carried->stack_size = size;
	carried->carrier = caller ? VQI_CARRIER_RUNNING : VQI_CARRIER_WAITING;
	carried->registers = registers;
	memcpy(carried->words, words, sizeof(words));
}

static void find_coroutines(const struct vqi_layout *layout, const struct vqi_heap *heap,
			    unsigned int machine, uint64_t guard, const struct keys *aiocbs,
			    struct vqi_carried *carried)
{
	for (size_t i = 0; aiocbs->count && i < heap->count; i++) {
		struct vqi_view view = vqi_chunk_view(layout, &heap->chunks[i]);
		const struct key *key = owner(layout, &heap->chunks[i], VQI_S_CoroutineUContext,
					      VQI_F_Coroutine_entry_arg, aiocbs);

		if (!key)
			continue;
		vqi_heap_use(heap, &heap->chunks[i]);
		take_coroutine(&view, machine, guard, &carried[key->index]);
	}
}

/* virtio-blk makes one request of several that lie behind each other: the first of them has the coroutine. What seems to
 * be another's is one that has ended, of a request that had its memory before. Source: hw/block/virtio-blk.c
 * submit_requests(). */
static void follow_merged(const struct vqi_layout *layout, const struct keys *keys,
			  struct vqi_carried *carried, size_t count, size_t first)
{
	struct vqi_carried *to = &carried[first], own;

	for (size_t i = 0; i < count; i++) {
		struct vqi_view view = vqi_chunk_view(layout, to->element->chunk);
		const struct key *key;
		uint64_t next;

		if (!begins(layout, to->element, VQI_S_VirtIOBlockReq) ||
		    !vqi_view_uint(&view, VQI_F_VirtIOBlockReq_mr_next, &next))
			return;
		key = keys_find(keys, next);
		if (!key || carried[key->index].coroutine_hva == carried[first].coroutine_hva)
			return;
		to = &carried[key->index];
		own = *to;
		*to = carried[first];
		to->element = own.element;
		to->start_ns = own.start_ns;
	}
}

bool vqi_carried_is_there(struct vqi_qemu *qemu, const struct vqi_carried *carried)
{
	const struct vqi_field *env = &qemu->layout->fields[VQI_F_CoroutineUContext_env];
	uint64_t words[VQI_JMP_BUF_WORDS], caller = 0;

	return !vqi_error_drop(vqi_qemu_field(qemu, carried->coroutine_hva, VQI_F_Coroutine_caller,
					      &caller)) &&
	       !caller &&
	       !vqi_error_drop(vqi_mem_read(qemu->mem, carried->coroutine_hva + env->offset, words,
					    sizeof(words))) &&
	       memcmp(words, carried->words, sizeof(words)) == 0;
}

struct vqi_error *vqi_carried_find(const struct vqi_layout *layout, const struct vqi_heap *heap,
				   unsigned int machine, uint64_t guard,
				   struct vqi_carried *carried, size_t count)
{
	vqi_cleanup(keys_done) struct keys keys = {0}, aiocbs = {0};
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < count; i++) {
		carried[i] = (struct vqi_carried){.element = carried[i].element};
		error = add_request(layout, heap, &carried[i], i, &keys);
	}
	if (!error)
		error = find_aiocbs(layout, heap, &keys, &aiocbs);
	if (!error)
		error = add_own_carriers(layout, carried, count, &aiocbs);
	if (error)
		return error;
	find_coroutines(layout, heap, machine, guard, &aiocbs, carried);
	for (size_t i = 0; i < count; i++) {
		if (carried[i].coroutine_hva)
			follow_merged(layout, &keys, carried, count, i);
	}
	return NULL;
}
