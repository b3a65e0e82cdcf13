/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VM as a whole: its run state, name and architecture. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

/* Finds the name of a run state in QEMU's table of them. */
static struct vqi_error *find_run_state_name(struct vqi_qemu *qemu, uint64_t state, char **ret_name)
{
	uint64_t lookup, names, size, name;
	struct vqi_error *error;

	error = vqi_qemu_symbol(qemu, VQI_SYM_RunState_lookup, &lookup);
	if (!error)
		error = vqi_qemu_field(qemu, lookup, VQI_F_QEnumLookup_array, &names);
	if (!error)
		error = vqi_qemu_field(qemu, lookup, VQI_F_QEnumLookup_size, &size);
	if (!error && (size > VQI_MAX_RUN_STATES || state >= size))
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "run state %llu of %llu",
				      (unsigned long long)state, (unsigned long long)size);
	if (!error)
		error = vqi_mem_read_uint(qemu->mem, names + state * 8, 8, &name);
	return error ? error : vqi_mem_read_string(qemu->mem, name, VQI_MAX_NAME, ret_name);
}

/* The name is looked up when the state is another than before. */
static struct vqi_error *read_run_state(struct vqi_qemu *qemu, char **ret_state)
{
	vqi_cleanup_free char *name = NULL;
	uint64_t state_address, state;
	struct vqi_error *error;

	error = vqi_qemu_symbol(qemu, VQI_SYM_current_run_state, &state_address);
	if (!error) /* an enum: 4 bytes in every ABI that QEMU has */
		error = vqi_mem_read_uint(qemu->mem, state_address, 4, &state);
	if (error || (qemu->run_state_name && state == qemu->run_state))
		return error ? error : vqi_copy_string(qemu->run_state_name, ret_state);
	error = find_run_state_name(qemu, state, &name);
	if (!error)
		error = vqi_copy_string(name, ret_state);
	if (error)
		return error;
	free(qemu->run_state_name);
	qemu->run_state_name = take_ptr(name);
	qemu->run_state = state;
	return NULL;
}

struct vqi_error *vqi_qemu_run_state(struct vqi_qemu *qemu, char **ret_state)
{
	char *state = NULL;
	struct vqi_error *error;

	if (qemu->layout->kind == VQI_IMAGE_STORAGE_DAEMON) /* its VMs run elsewhere */
		return NULL;
	error = vqi_error_keep_fatal(read_run_state(qemu, &state));
	if (!error)
		*ret_state = state;
	return error;
}

static struct vqi_error *read_name(struct vqi_qemu *qemu, enum vqi_symbol_id symbol,
				   char **ret_name)
{
	struct vqi_error *error;
	uint64_t name;

	error = vqi_qemu_pointer(qemu, symbol, &name);
	if (!error && name)
		error = vqi_mem_read_string(qemu->mem, name, VQI_MAX_STRING, ret_name);
	return vqi_error_keep_fatal(error);
}

/* -name guest=NAME is in qemu_name; error_guest_name has it too, from 6.1. */
struct vqi_error *vqi_qemu_vm_name(struct vqi_qemu *qemu, char **ret_name)
{
	char *name = NULL;
	struct vqi_error *error = read_name(qemu, VQI_SYM_qemu_name, &name);

	if (!error && !name)
		error = read_name(qemu, VQI_SYM_error_guest_name, &name);
	if (!error)
		*ret_name = name;
	return error;
}

static struct vqi_error *duplicate(const char *text, size_t len, char **ret_copy)
{
	char *copy = strndup(text, len);

	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_copy = copy;
	return NULL;
}

/* MachineClass.default_cpu_type is MODEL-ARCH-cpu; models have dashes, architectures have none. */
static struct vqi_error *read_cpu_arch(struct vqi_qemu *qemu, char **ret_arch)
{
	static const char suffix[] = "-cpu";
	vqi_cleanup_free char *type = NULL;
	uint64_t machine, class;
	struct vqi_error *error;
	const char *dash;
	size_t len;

	error = vqi_qemu_pointer(qemu, VQI_SYM_current_machine, &machine);
	if (!error)
		error = vqi_qemu_field(qemu, machine, VQI_F_Object_class, &class);
	if (!error)
		error = vqi_qemu_string_field(qemu, class, VQI_F_MachineClass_default_cpu_type,
					      &type);
	len = type ? strlen(type) : 0;
	if (error || len < sizeof(suffix) || strcmp(type + len - strlen(suffix), suffix) != 0)
		return error;
	type[len - strlen(suffix)] = '\0';
	dash = strrchr(type, '-');
	return duplicate(dash ? dash + 1 : type, strlen(dash ? dash + 1 : type), ret_arch);
}

struct vqi_error *vqi_qemu_arch(struct vqi_qemu *qemu, const char *exe, char **ret_arch)
{
	static const char prefix[] = "qemu-system-";
	const char *base = exe ? strrchr(exe, '/') : NULL;
	struct vqi_error *error;
	char *arch = NULL;

	/* The name tells aarch64 from arm, which the type of a CPU does not. */
	base = base ? base + 1 : exe;
	if (base && strncmp(base, prefix, strlen(prefix)) == 0) {
		size_t len = strcspn(base + strlen(prefix), "-.");

		if (len)
			return duplicate(base + strlen(prefix), len, ret_arch);
	}
	error = vqi_error_keep_fatal(read_cpu_arch(qemu, &arch));
	if (!error)
		*ret_arch = arch;
	return error;
}
