/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual CPUs, and who holds the big QEMU lock. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/loops.h"

/* cpus became cpus_queue in 8.2: hw/core/cpu-common.c, cpu-common.c. */
struct vqi_error *vqi_qemu_first_vcpu(struct vqi_qemu *qemu, uint64_t *ret_cpu)
{
	bool old = qemu->layout->symbols[VQI_SYM_cpus].present;

	return vqi_qemu_pointer(qemu, old ? VQI_SYM_cpus : VQI_SYM_cpus_queue, ret_cpu);
}

static struct vqi_error *read_vcpu(struct vqi_qemu *qemu, uint64_t cpu, struct vqi_vcpu *vcpu)
{
	struct vqi_error *error;
	uint64_t index;

	error = vqi_qemu_field(qemu, cpu, VQI_F_CPUState_cpu_index, &index);
	if (error)
		return error;
	*vcpu = (struct vqi_vcpu){.index = (unsigned int)index};
	error = vqi_qemu_known(qemu, cpu, VQI_F_CPUState_thread_id, &vcpu->tid);
	if (!error)
		error = vqi_qemu_known(qemu, cpu, VQI_F_CPUState_halted, &vcpu->halted);
	if (!error)
		error = vqi_qemu_known(qemu, cpu, VQI_F_CPUState_crash_occurred, &vcpu->panicked);
	return error;
}

struct vqi_error *vqi_qemu_vcpus(struct vqi_qemu *qemu, struct vqi_vcpu **ret_vcpus,
				 size_t *ret_count)
{
	vqi_cleanup_free struct vqi_vcpu *vcpus = NULL;
	struct vqi_error *error;
	size_t count = 0;
	uint64_t cpu;

	error = vqi_qemu_first_vcpu(qemu, &cpu);
	while (!error && cpu) {
		struct vqi_vcpu *grown = NULL;

		if (count == VQI_MAX_VCPUS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d virtual CPUs",
					     VQI_MAX_VCPUS);
		grown = reallocarray(vcpus, count + 1, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		vcpus = grown;
		error = read_vcpu(qemu, cpu, &vcpus[count++]);
		if (!error)
			error = vqi_qemu_field(qemu, cpu, VQI_F_CPUState_node, &cpu);
	}
	if (error)
		return error;
	*ret_vcpus = take_ptr(vcpus);
	*ret_count = count;
	return NULL;
}

struct vqi_error *vqi_qemu_bql_owner(struct vqi_qemu *qemu, uint64_t *ret_tid)
{
	bool old = qemu->layout->symbols[VQI_SYM_qemu_global_mutex].present;
	struct vqi_error *error;
	uint64_t mutex, tid;

	error = vqi_qemu_symbol(qemu, old ? VQI_SYM_qemu_global_mutex : VQI_SYM_bql, &mutex);
	if (!error)
		error = vqi_qemu_field(qemu, mutex, VQI_F_QemuMutex_owner, &tid);
	if (!error)
		*ret_tid = tid;
	return error;
}
