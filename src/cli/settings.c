/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "settings.h"

#include <stdlib.h>

#include "vqi/limits.h"
#include "vqi/record.h"

#define MAX_DEVICES 4096 /* that can be asked for */

void vqi_settings_pack(const struct vqi_options *options, struct vqi_pack *pack)
{
	vqi_pack_u8(pack, options->once);
	vqi_pack_u8(pack, options->requests);
	vqi_pack_u8(pack, (uint8_t)options->stacks);
	vqi_pack_u8(pack, (uint8_t)options->stop);
	vqi_pack_u32(pack, (uint32_t)options->dump_bytes);
	vqi_pack_u32(pack, options->interval_ms);
	vqi_pack_u8(pack, options->report || options->closer);
	vqi_pack_u8(pack, options->queue.known);
	vqi_pack_u64(pack, options->queue.value);
	vqi_pack_u32(pack, (uint32_t)options->device_count);
	for (size_t i = 0; i < options->device_count; i++)
		vqi_pack_text(pack, options->devices[i]);
}

/* What is beyond the bounds of the command line no version has written. */
static void take_fixed(struct vqi_unpack *data, struct vqi_options *options)
{
	struct vqi_num queue;

	options->once = vqi_unpack_u8(data);
	options->requests = vqi_unpack_u8(data);
	options->stacks = (enum vqi_stacks)vqi_unpack_u8(data);
	options->stop = (enum vqi_stop_mode)vqi_unpack_u8(data);
	options->dump_bytes = vqi_unpack_u32(data);
	options->interval_ms = vqi_unpack_u32(data);
	options->closer = vqi_unpack_u8(data);
	queue.known = vqi_unpack_u8(data);
	queue.value = vqi_unpack_u64(data);
	if (!options->queue.known)
		options->queue = queue;
	data->failed |= options->stacks > VQI_STACKS_ALL || options->stop > VQI_STOP_ALWAYS ||
			options->dump_bytes > VQI_MAX_DUMP_BYTES ||
			(queue.known && queue.value >= VQI_MAX_QUEUES);
}

static struct vqi_error *take_devices(struct vqi_unpack *data, struct vqi_options *options)
{
	uint32_t count = vqi_unpack_u32(data);

	if (data->failed || options->device_count || !count)
		return NULL;
	if (count > MAX_DEVICES) {
		data->failed = true;
		return NULL;
	}
	options->devices = calloc(count, sizeof(*options->devices));
	options->recorded = calloc(count, sizeof(*options->recorded));
	if (!options->devices || !options->recorded)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		char *name = vqi_unpack_text(data);

		if (!name) {
			data->failed = true;
			return NULL;
		}
		options->recorded[options->recorded_count++] = name;
		options->devices[options->device_count++] = name;
	}
	return NULL;
}

struct vqi_error *vqi_settings_unpack(const struct vqi_pack *settings, struct vqi_options *options)
{
	struct vqi_unpack data = {.at = settings->data, .end = settings->data + settings->len};
	struct vqi_error *error;

	take_fixed(&data, options);
	error = take_devices(&data, options);
	if (!error && data.failed)
		error = vqi_error_new(VQI_ERROR_BAD_DATA,
				      "the settings in the recording make no sense");
	return error;
}

struct vqi_error *vqi_settings_take(struct vqi_options *options)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};
	vqi_cleanup_process struct vqi_process *process = NULL;
	struct vqi_error *error = vqi_replay_open(options->replay, &process, &settings);

	return error ? error : vqi_settings_unpack(&settings, options);
}
