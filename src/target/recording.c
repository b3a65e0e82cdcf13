/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a recording: a line that says what it is, a version, and then, compressed, what process
 * it is of, the settings of who made it, and the log. */
#include "recording.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "vqi/cleanup.h"
#include "vqi/jmp_buf.h"
#include "vqi/limits.h"
#include "vqi/replace.h"

#define MAGIC	   "virtq-inspect recording\n"
#define MAGIC_LEN  (sizeof(MAGIC) - 1)
#define VERSION	   1
#define LEVEL	   3
#define WINDOW_LOG 24 /* of looks and of pages that are read again: farther than zlib looks back */
#define STEP	   65536

VQI_DEFINE_CLEANUP(ZSTD_CCtx *, ZSTD_freeCCtx)
VQI_DEFINE_CLEANUP(ZSTD_DCtx *, ZSTD_freeDCtx)

void vqi_recording_done(struct vqi_recording *recording)
{
	vqi_pack_done(&recording->settings);
	vqi_log_done(&recording->log);
}

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

/* ---- keys ---- */

static void put(struct vqi_key *key, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		key->bytes[key->len++] = (uint8_t)(value >> (8 * i));
}

struct vqi_key vqi_key_memory(uint64_t addr, size_t len)
{
	struct vqi_key key = {.len = 0};

	put(&key, addr, 8);
	put(&key, len, 4);
	return key;
}

struct vqi_key vqi_key_number(uint64_t number)
{
	struct vqi_key key = {.len = 0};

	put(&key, number, 8);
	return key;
}

struct vqi_key vqi_key_fact(enum vqi_fact fact, uint64_t number)
{
	struct vqi_key key = {.len = 0};

	put(&key, (uint64_t)fact, 4);
	put(&key, number, 8);
	return key;
}

/* ---- writing ---- */

static void pack_all(const struct vqi_recording *recording, struct vqi_pack *pack)
{
	vqi_pack_text(pack, VQI_VERSION);
	vqi_pack_u32(pack, VQI_HOST_MACHINE);
	vqi_pack_u32(pack, (uint32_t)recording->pid);
	vqi_pack_u64(pack, recording->start_time);
	vqi_pack_u8(pack, recording->has_aliases);
	vqi_pack_u32(pack, (uint32_t)recording->settings.len);
	vqi_pack_bytes(pack, recording->settings.data, recording->settings.len);
	vqi_pack_u64(pack, recording->log.bytes.len);
	vqi_pack_bytes(pack, recording->log.bytes.data, recording->log.bytes.len);
}

static struct vqi_error *compress(const struct vqi_pack *plain, struct vqi_pack *ret_packed)
{
	vqi_cleanup(ZSTD_freeCCtx) ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t len;

	vqi_pack_reserve(ret_packed, ZSTD_compressBound(plain->len));
	if (!context || ret_packed->failed)
		return no_memory();
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	len = ZSTD_compress2(context, ret_packed->data + ret_packed->len,
			     ret_packed->room - ret_packed->len, plain->data, plain->len);
	if (ZSTD_isError(len))
		return vqi_error_new(VQI_ERROR_NOMEM, "compressing: %s", ZSTD_getErrorName(len));
	ret_packed->len += len;
	return NULL;
}

static struct vqi_error *write_content(FILE *stream, const void *data)
{
	const struct vqi_pack *file = data;

	if (fwrite(file->data, 1, file->len, stream) != file->len)
		return vqi_error_new(VQI_ERROR_SYS, "cannot write");
	return NULL;
}

struct vqi_error *vqi_recording_write(const struct vqi_recording *recording, const char *path)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack plain = {0}, file = {0};
	struct vqi_error *error;

	pack_all(recording, &plain);
	vqi_pack_bytes(&file, MAGIC, MAGIC_LEN);
	vqi_pack_u32(&file, VERSION);
	if (plain.failed)
		return no_memory();
	error = compress(&plain, &file);
	if (!error && file.len > VQI_MAX_RECORDING_FILE)
		error = vqi_error_new(VQI_ERROR_LIMIT, "a recording of more than %d MiB",
				      VQI_MAX_RECORDING_FILE >> 20);
	return error ? error : vqi_replace_file(path, 0600, write_content, &file);
}

/* ---- reading ---- */

static struct vqi_error *damaged(const char *how)
{
	return vqi_error_new(VQI_ERROR_BAD_DATA, "the recording is damaged: %s", how);
}

bool vqi_is_recording(const char *path)
{
	vqi_cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char begin[MAGIC_LEN];

	return fd >= 0 && read(fd, begin, sizeof(begin)) == (ssize_t)sizeof(begin) &&
	       memcmp(begin, MAGIC, MAGIC_LEN) == 0;
}

static struct vqi_error *is_readable(struct vqi_unpack *file)
{
	const uint8_t *magic = vqi_unpack_bytes(file, MAGIC_LEN);
	uint32_t version;

	if (!magic || memcmp(magic, MAGIC, MAGIC_LEN) != 0)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "it is no recording of virtq-inspect");
	version = vqi_unpack_u32(file);
	if (file->failed)
		return damaged("it is cut off");
	if (version != VERSION)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "the recording has format %u, and this version of "
				     "virtq-inspect reads format %u: use the one that made it",
				     version, VERSION);
	return NULL;
}

/* Step by step: what it says of its own length is not believed. */
static struct vqi_error *decompress(const struct vqi_unpack *file, struct vqi_pack *ret_plain)
{
	vqi_cleanup(ZSTD_freeDCtx) ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = {.src = file->at, .size = (size_t)(file->end - file->at)};
	size_t left = 1;

	if (!context)
		return no_memory();
	ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG);
	while (left) {
		ZSTD_outBuffer out;

		if (ret_plain->len > VQI_MAX_RECORDING)
			return vqi_error_new(VQI_ERROR_LIMIT, "the recording has more than %d MiB",
					     VQI_MAX_RECORDING >> 20);
		vqi_pack_reserve(ret_plain, STEP);
		if (ret_plain->failed)
			return no_memory();
		out = (ZSTD_outBuffer){.dst = ret_plain->data + ret_plain->len, .size = STEP};
		left = ZSTD_decompressStream(context, &out, &in);
		if (ZSTD_isError(left))
			return damaged(ZSTD_getErrorName(left));
		ret_plain->len += out.pos;
		if (left && !out.pos && in.pos == in.size)
			return damaged("it is cut off");
	}
	return in.pos == in.size ? NULL : damaged("there is something behind its end");
}

static struct vqi_error *take_process(struct vqi_unpack *plain, struct vqi_recording *recording)
{
	vqi_cleanup_free char *version = vqi_unpack_text(plain);
	uint32_t machine = vqi_unpack_u32(plain), settings;
	const uint8_t *bytes;

	recording->pid = (pid_t)vqi_unpack_u32(plain);
	recording->start_time = vqi_unpack_u64(plain);
	recording->has_aliases = vqi_unpack_u8(plain);
	settings = vqi_unpack_u32(plain);
	bytes = vqi_unpack_bytes(plain, settings);
	if (plain->failed || !version || recording->pid <= 0)
		return damaged("it makes no sense");
	if (machine != VQI_HOST_MACHINE)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "the recording was made on another kind of processor");
	vqi_pack_bytes(&recording->settings, bytes, settings);
	return recording->settings.failed ? no_memory() : NULL;
}

struct vqi_error *vqi_recording_read(const uint8_t *bytes, size_t len,
				     struct vqi_recording *ret_recording)
{
	vqi_cleanup(vqi_recording_done) struct vqi_recording recording = {0};
	vqi_cleanup(vqi_pack_done) struct vqi_pack plain = {0};
	struct vqi_unpack file = {.at = bytes, .end = len ? bytes + len : bytes}, all;
	struct vqi_error *error = is_readable(&file);
	uint64_t log_len;

	if (!error)
		error = decompress(&file, &plain);
	if (error)
		return error;
	all = (struct vqi_unpack){.at = plain.data, .end = plain.data + plain.len};
	error = take_process(&all, &recording);
	if (error)
		return error;
	log_len = vqi_unpack_u64(&all);
	if (all.failed || log_len != (uint64_t)(all.end - all.at))
		return damaged("it makes no sense");
	error = vqi_log_take(&recording.log, all.at, log_len);
	if (error)
		return vqi_error_prefix(error, "the recording is damaged");
	*ret_recording = recording;
	recording = (struct vqi_recording){0};
	return NULL;
}
