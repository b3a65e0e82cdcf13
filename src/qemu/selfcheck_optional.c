/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "selfcheck_device.h"
#include "vqi/limits.h"

#include "list.h"
#include "unknown.h"

/* Reads fields; *ret_has is false where one cannot be read, a field that is unknown is 0. */
static struct vqi_error *read_all(struct vqi_qemu *qemu, uint64_t address,
				  const enum vqi_field_id *fields, size_t count,
				  struct vqi_num *ret_values, bool *ret_has)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < count; i++)
		error = vqi_qemu_known(qemu, address, fields[i], &ret_values[i]);
	*ret_has = !error;
	return vqi_error_keep_fatal(error);
}

/* ---- PCI ---- */

/* PCI Local Bus 3.0, 6.1, 6.7 and 6.8.2; VirtIO 1.2, 4.1.2. */
#define CONFIG_SIZE   256
#define VIRTIO_VENDOR 0x1af4
#define MSIX_ID	      0x11
#define MSIX_CONTROL  2
#define MSIX_LAST     0x7ff
#define MAX_DEVFN     255

static bool has_vectors(const uint8_t *config, uint64_t cap, uint64_t entries)
{
	uint64_t last;

	if (!cap || cap + MSIX_CONTROL + 2 > CONFIG_SIZE)
		return !cap && !entries;
	last = (uint64_t)(config[cap + MSIX_CONTROL] | config[cap + MSIX_CONTROL + 1] << 8) &
	       MSIX_LAST;
	return config[cap] == MSIX_ID && entries == last + 1;
}

struct vqi_error *vqi_selfcheck_proxy(struct vqi_qemu *qemu, struct vqi_layout *layout,
				      uint64_t proxy)
{
	enum { CONFIG, DEVFN, CAP, ENTRIES, TABLE, PENDING, COUNT };
	static const enum vqi_field_id fields[COUNT] = {
		VQI_F_PCIDevice_config,	    VQI_F_PCIDevice_devfn,
		VQI_F_PCIDevice_msix_cap,   VQI_F_PCIDevice_msix_entries_nr,
		VQI_F_PCIDevice_msix_table, VQI_F_PCIDevice_msix_pba,
	};
	struct vqi_num values[COUNT] = {0};
	uint8_t config[CONFIG_SIZE] = {0};
	bool is_pci = false, has = false;
	struct vqi_error *error =
		vqi_error_keep_fatal(vqi_qemu_is_a(qemu, proxy, "virtio-pci", &is_pci));

	if (error || !is_pci || !layout->structs[VQI_S_PCIDevice].present)
		return error;
	error = read_all(qemu, proxy, fields, COUNT, values, &has);
	if (!error && has && values[CONFIG].known)
		error = vqi_error_keep_fatal(
			vqi_mem_read(qemu->mem, values[CONFIG].value, config, sizeof(config)));
	if (error)
		return error;
	has &= !values[CONFIG].known || (config[0] | config[1] << 8) == VIRTIO_VENDOR;
	has &= values[DEVFN].value <= MAX_DEVFN;
	if (values[CONFIG].known && values[CAP].known && values[ENTRIES].known)
		has &= has_vectors(config, values[CAP].value, values[ENTRIES].value);
	if (values[ENTRIES].value)
		has &= (!values[TABLE].known || values[TABLE].value) &&
		       (!values[PENDING].known || values[PENDING].value);
	if (!has)
		vqi_layout_drop(layout, VQI_S_PCIDevice);
	return NULL;
}

/* ---- threads ---- */

#define MAX_TID (1 << 22) /* include/linux/threads.h PID_MAX_LIMIT */

static bool is_thread(const struct vqi_num *tid)
{
	return !tid->known || (tid->value > 0 && tid->value <= MAX_TID);
}

/* The head of the list, which the first one points back to. */
static struct vqi_error *find_head(struct vqi_qemu *qemu, uint64_t *ret_head)
{
	bool old = qemu->layout->symbols[VQI_SYM_cpus].present;

	return vqi_qemu_symbol(qemu, old ? VQI_SYM_cpus : VQI_SYM_cpus_queue, ret_head);
}

/* Two are enough. */
struct vqi_error *vqi_selfcheck_cpu(struct vqi_qemu *qemu, struct vqi_layout *layout,
				    uint64_t first)
{
	enum { INDEX, THREAD, HALTED, CRASHED, COUNT };
	static const enum vqi_field_id fields[COUNT] = {
		VQI_F_CPUState_cpu_index,
		VQI_F_CPUState_thread_id,
		VQI_F_CPUState_halted,
		VQI_F_CPUState_crash_occurred,
	};
	uint64_t cpu = first, head = 0, before = 0;
	bool has = true;
	struct vqi_error *error = find_head(qemu, &head);

	for (int i = 0; !error && has && cpu && i < 2; i++) {
		struct vqi_num values[COUNT] = {0};
		bool is_listed = false;

		error = read_all(qemu, cpu, fields, COUNT, values, &has);
		if (!error)
			error = vqi_list_has_back(qemu, cpu, VQI_F_CPUState_node, head, &is_listed);
		has &= is_listed && is_thread(&values[THREAD]) && values[HALTED].value <= 1 &&
		       values[CRASHED].value <= 1 && values[INDEX].value < VQI_MAX_VCPUS &&
		       (!i || !values[INDEX].known || values[INDEX].value != before);
		before = values[INDEX].value;
		head = cpu + layout->fields[VQI_F_CPUState_node].offset;
		if (!error && has)
			error = vqi_error_keep_fatal(
				vqi_known_pointer(qemu, cpu, VQI_F_CPUState_node, &cpu));
		if (!layout->fields[VQI_F_CPUState_node].present)
			break;
	}
	if (!error && !has)
		vqi_layout_drop(layout, VQI_S_CPUState);
	return error;
}

struct vqi_error *vqi_selfcheck_iothread(struct vqi_qemu *qemu, struct vqi_layout *layout,
					 uint64_t iothread)
{
	enum { CTX, THREAD, COUNT };
	static const enum vqi_field_id fields[COUNT] = {VQI_F_IOThread_ctx,
							VQI_F_IOThread_thread_id};
	const struct vqi_field *list = &layout->fields[VQI_F_AioContext_aio_handlers];
	struct vqi_num values[COUNT] = {0};
	uint64_t handler = 0;
	bool has = false, has_handlers = true;
	struct vqi_error *error;

	if (!layout->structs[VQI_S_IOThread].present)
		return NULL;
	error = read_all(qemu, iothread, fields, COUNT, values, &has);
	has &= is_thread(&values[THREAD]);
	if (!error && has && values[CTX].known && list->present) {
		error = vqi_error_keep_fatal(vqi_qemu_field(
			qemu, values[CTX].value, VQI_F_AioContext_aio_handlers, &handler));
		has &= handler != 0;
	}
	if (!error && has && handler)
		error = vqi_list_has_back(qemu, handler, VQI_F_AioHandler_node,
					  values[CTX].value + list->offset, &has_handlers);
	if (!error && !(has && has_handlers))
		vqi_layout_drop(layout, VQI_S_IOThread);
	return error;
}
