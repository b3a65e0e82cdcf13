/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables of a program without symbols, told by what they hold. */
#include "vqi/scan.h"

#include <stdlib.h>
#include <string.h>

#include "unknown.h"
#include "vqi/limits.h"
#include "words.h"

struct scan {
	struct vqi_qemu qemu; /* with what was found so far */
	struct vqi_layout *layout;
	struct vqi_words words;
};

static void scan_done(struct scan *scan)
{
	vqi_qemu_done(&scan->qemu);
	vqi_words_done(&scan->words);
}
VQI_DEFINE_CLEANUP_VALUE(struct scan, scan_done)

/* An object's class has a type whose class it is; of what is no object, it has not. *ret_back is the class of
 * what is an object, else 0. Source: qom/object.c type_initialize(). */
static struct vqi_error *follow_class(struct scan *scan, const uint64_t *objects, size_t count,
				      uint64_t *ret_class)
{
	vqi_cleanup_free uint64_t *back = calloc(count + 1, sizeof(*back));
	struct vqi_error *error;

	if (!back)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_words_follow_field(&scan->words, objects, count, VQI_F_Object_class, ret_class);
	if (!error)
		error = vqi_words_follow_field(&scan->words, ret_class, count,
					       VQI_F_ObjectClass_type, back);
	if (!error)
		error = vqi_words_follow_field(&scan->words, back, count, VQI_F_TypeImpl_class,
					       back);
	for (size_t i = 0; !error && i < count; i++) {
		if (back[i] != ret_class[i])
			ret_class[i] = 0;
	}
	return error;
}

/* Whether there is an object of a type at an address. */
static struct vqi_error *is_object(struct scan *scan, uint64_t address, const char *type,
				   bool *ret_is_one)
{
	struct vqi_error *error;
	uint64_t class;

	*ret_is_one = false;
	error = follow_class(scan, &address, 1, &class);
	if (!error && class)
		error = vqi_error_keep_fatal(vqi_qemu_is_a(&scan->qemu, address, type, ret_is_one));
	return error;
}

/* The first is as good as any other. */
static void found(struct scan *scan, enum vqi_symbol_id symbol, uint64_t at)
{
	struct vqi_symbol *place = &scan->layout->symbols[symbol];

	if (!place->present)
		*place = (struct vqi_symbol){
			.present = true,
			.by_content = true,
			.address = at - scan->qemu.bias,
		};
}

/* ---- objects ---- */

/* The machine is a child of the root, which is a container. */
static struct vqi_error *see_machine(struct scan *scan, size_t i)
{
	struct vqi_error *error;
	uint64_t parent = 0;
	bool is_machine, is_child = false;

	error = is_object(scan, scan->words.value[i], "machine", &is_machine);
	if (!error && is_machine)
		error = vqi_words_follow_field(&scan->words, &scan->words.value[i], 1,
					       VQI_F_Object_parent, &parent);
	if (!error && parent)
		error = is_object(scan, parent, "container", &is_child);
	if (!error && is_child)
		found(scan, VQI_SYM_current_machine, scan->words.at[i]);
	return error;
}

static struct vqi_error *see_system_bus(struct scan *scan, size_t i)
{
	struct vqi_error *error;
	bool is_bus;

	/* TYPE_SYSTEM_BUS, include/hw/sysbus.h; nothing else is of this type. */
	error = is_object(scan, scan->words.value[i], "System", &is_bus);
	if (!error && is_bus)
		found(scan, VQI_SYM_main_system_bus, scan->words.at[i]);
	return error;
}

static struct vqi_error *find_objects(struct scan *scan, uint64_t *class)
{
	struct vqi_error *error = follow_class(scan, scan->words.value, scan->words.count, class);

	for (size_t i = 0; !error && i < scan->words.count; i++) {
		if (!class[i])
			continue;
		error = see_machine(scan, i);
		if (!error)
			error = see_system_bus(scan, i);
	}
	return error;
}

/* ---- what has a name ---- */

/* Whether there is this text at address. */
static bool is_text(struct scan *scan, uint64_t address, const char *text)
{
	vqi_cleanup_free char *there = NULL;
	vqi_cleanup_error struct vqi_error *ignored =
		vqi_mem_read_string(scan->qemu.mem, address, VQI_MAX_NAME, &there);

	return there && strcmp(there, text) == 0;
}

/* Whether a text may begin with these 8 bytes. */
static bool may_begin(const char *text, uint64_t bytes)
{
	size_t len = strlen(text) + 1;

	return memcmp(text, &bytes, len < sizeof(bytes) ? len : sizeof(bytes)) == 0;
}

/* The main loop's two contexts have names that no other has.
 * Source: util/main-loop.c qemu_init_main_loop(). */
static struct vqi_error *find_contexts(struct scan *scan, uint64_t *name, uint64_t *bytes)
{
	static const struct {
		enum vqi_symbol_id symbol;
		const char *name;
	} contexts[] = {
		{VQI_SYM_qemu_aio_context, "aio-context"},
		{VQI_SYM_iohandler_ctx, "io-handler"},
	};
	struct vqi_error *error;

	error = vqi_words_follow_field(&scan->words, scan->words.value, scan->words.count,
				       VQI_F_AioContext_source_name, name);
	if (!error)
		error = vqi_words_follow(&scan->words, name, scan->words.count, 0, bytes);
	for (size_t i = 0; !error && i < scan->words.count; i++) {
		for (size_t j = 0; j < sizeof(contexts) / sizeof(contexts[0]); j++) {
			if (name[i] && may_begin(contexts[j].name, bytes[i]) &&
			    is_text(scan, name[i], contexts[j].name))
				found(scan, contexts[j].symbol, scan->words.at[i]);
		}
	}
	return vqi_drop_unknown(error);
}

/* TYPE_MEMORY_REGION: include/exec/memory.h; it had another name up to 5.2. */
static struct vqi_error *is_region(struct scan *scan, uint64_t address, bool *ret_is_one)
{
	struct vqi_error *error = is_object(scan, address, "memory-region", ret_is_one);

	if (!error && !*ret_is_one)
		error = is_object(scan, address, "qemu:memory-region", ret_is_one);
	return error;
}

static struct vqi_error *see_space(struct scan *scan, uint64_t space, enum vqi_symbol_id symbol)
{
	struct vqi_error *error;
	uint64_t root = 0;
	bool is_one = false;

	error = vqi_words_follow_field(&scan->words, &space, 1, VQI_F_AddressSpace_root, &root);
	if (!error && root)
		error = is_region(scan, root, &is_one);
	if (!error && is_one)
		found(scan, symbol, space);
	return error;
}

/* Address spaces that are variables themselves: they have a name and a root.
 * Source: softmmu/physmem.c memory_map_init(). */
static struct vqi_error *find_spaces(struct scan *scan, uint64_t *bytes)
{
	static const struct {
		enum vqi_symbol_id symbol;
		const char *name;
	} spaces[] = {
		{VQI_SYM_address_space_memory, "memory"},
		{VQI_SYM_address_space_io, "I/O"},
	};
	static const enum vqi_field_id name = VQI_F_AddressSpace_name;
	struct vqi_error *error = vqi_layout_need(scan->layout, &name, 1);

	if (!error)
		error = vqi_words_follow(&scan->words, scan->words.value, scan->words.count, 0,
					 bytes);
	for (size_t i = 0; !error && i < scan->words.count; i++) {
		for (size_t j = 0; !error && j < sizeof(spaces) / sizeof(spaces[0]); j++) {
			if (may_begin(spaces[j].name, bytes[i]))
				error = see_space(
					scan, scan->words.at[i] - scan->layout->fields[name].offset,
					spaces[j].symbol);
		}
	}
	return vqi_drop_unknown(error);
}

/* ---- lists ---- */

static struct vqi_error *see_cpu(struct scan *scan, uint64_t cpu, bool *ret_is_one)
{
	return is_object(scan, cpu, "cpu", ret_is_one);
}

/* What has a driver with a name. */
static struct vqi_error *see_node(struct scan *scan, uint64_t node, bool *ret_is_one)
{
	vqi_cleanup_free char *name = NULL;
	struct vqi_error *error;
	uint64_t driver;

	error = vqi_qemu_field(&scan->qemu, node, VQI_F_BlockDriverState_drv, &driver);
	if (!error)
		error = vqi_qemu_string_field(&scan->qemu, driver, VQI_F_BlockDriver_format_name,
					      &name);
	*ret_is_one = name && name[0];
	return vqi_error_keep_fatal(error);
}

/* What runs a virtio device, or none as yet, in one of three ways: include/hw/virtio/vhost-backend.h
 * enum VhostBackendType. */
static struct vqi_error *see_vhost(struct scan *scan, uint64_t vhost, bool *ret_is_one)
{
	struct vqi_error *error;
	uint64_t vdev, ops, kind = 0;
	bool is_device = false;

	error = vqi_qemu_field(&scan->qemu, vhost, VQI_F_vhost_dev_vdev, &vdev);
	if (!error)
		error = vqi_qemu_field(&scan->qemu, vhost, VQI_F_vhost_dev_vhost_ops, &ops);
	if (!error)
		error = vqi_qemu_field(&scan->qemu, ops, VQI_F_VhostOps_backend_type, &kind);
	if (!error && vdev)
		error = is_object(scan, vdev, "virtio-device", &is_device);
	*ret_is_one = !error && kind >= 1 && kind <= 3 && (is_device || !vdev);
	return vqi_error_keep_fatal(error);
}

/* Heads of lists: the first of each points back at its head. Source: include/qemu/queue.h. */
static const struct {
	enum vqi_symbol_id symbol;
	enum vqi_field_id link;
	struct vqi_error *(*see)(struct scan *scan, uint64_t first, bool *ret_is_one);
} lists[] = {
	{VQI_SYM_cpus, VQI_F_CPUState_node, see_cpu},
	{VQI_SYM_all_bdrv_states, VQI_F_BlockDriverState_bs_list, see_node},
	{VQI_SYM_vhost_devices, VQI_F_vhost_dev_entry, see_vhost},
};

static struct vqi_error *find_list(struct scan *scan, size_t list, uint64_t *back)
{
	enum vqi_field_id link = lists[list].link;
	struct vqi_error *error = vqi_layout_need(scan->layout, &link, 1);

	if (!error)
		error = vqi_words_follow(&scan->words, scan->words.value, scan->words.count,
					 scan->layout->fields[link].offset + 8, back);
	for (size_t i = 0; !error && i < scan->words.count; i++) {
		bool is_one = false;

		if (back[i] == scan->words.at[i])
			error = lists[list].see(scan, scan->words.value[i], &is_one);
		if (!error && is_one)
			found(scan, lists[list].symbol, scan->words.at[i]);
	}
	return vqi_drop_unknown(error);
}

static struct vqi_error *find_lists(struct scan *scan, uint64_t *back)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < sizeof(lists) / sizeof(lists[0]); i++)
		error = find_list(scan, i, back);
	return error;
}

/* ---- all of it ---- */

static bool has_way(const struct vqi_layout *layout)
{
	return layout->symbols[VQI_SYM_current_machine].present ||
	       layout->symbols[VQI_SYM_main_system_bus].present;
}

static struct vqi_error *find_all(struct scan *scan)
{
	vqi_cleanup_free uint64_t *first = calloc(scan->words.count + 1, sizeof(*first));
	vqi_cleanup_free uint64_t *second = calloc(scan->words.count + 1, sizeof(*second));
	struct vqi_error *error;

	if (!first || !second)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = find_objects(scan, first);
	/* Without a way to the devices, all else is of no use. */
	if (error || !has_way(scan->layout))
		return error;
	error = find_contexts(scan, first, second);
	if (!error)
		error = find_spaces(scan, first);
	return error ? error : find_lists(scan, first);
}

struct vqi_error *vqi_scan(struct vqi_mem *mem, uint64_t bias, const struct vqi_maps *variables,
			   const struct vqi_maps *maps, struct vqi_layout *layout)
{
	vqi_cleanup(scan_done) struct scan scan = {
		.layout = layout,
		.words = {.mem = mem, .layout = layout, .maps = maps},
	};
	struct vqi_error *error = vqi_qemu_init(mem, layout, bias, &scan.qemu);

	if (!error)
		error = vqi_words_collect(&scan.words, variables);
	if (!error)
		error = find_all(&scan);
	if (!error && !has_way(layout))
		error = vqi_error_new(VQI_ERROR_NO_LAYOUT,
				      "none of its variables holds a machine or a system bus");
	return error;
}

struct vqi_error *vqi_scan_process(struct vqi_process *process, const struct vqi_image *image,
				   struct vqi_layout *layout)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0}, variables = {0};
	struct vqi_error *error;

	if (layout->kind == VQI_IMAGE_STORAGE_DAEMON || has_way(layout))
		return NULL;
	error = vqi_process_maps(process, &maps);
	if (!error)
		error = vqi_image_variables(image, &maps, &variables);
	if (!error)
		error = vqi_scan(vqi_process_mem(process), image->bias, &variables, &maps, layout);
	if (!error || error->code != VQI_ERROR_NO_LAYOUT)
		return error;
	return vqi_error_prefix(error, "the program has no symbols current_machine and "
				       "main_system_bus");
}
