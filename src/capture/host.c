/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a bug report says of the host and of how the target was started. */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vqi/capture.h"
#include "vqi/limits.h"
#include "vqi/mask.h"
#include "vqi/record.h"

#define MAX_TEXT 65536

/* ---- texts ---- */

char *vqi_host_kernel(const char *version)
{
	static const char prefix[] = "Linux version ";
	const char *release =
		strncmp(version, prefix, strlen(prefix)) == 0 ? version + strlen(prefix) : version;
	const char *build = strrchr(version, '#');
	size_t len = strcspn(release, " \n");
	char *kernel;

	/* Between them are the mail address of who built it, and the compiler. */
	if (!build || build < release + len)
		return strndup(release, len);
	if (asprintf(&kernel, "%.*s %.*s", (int)len, release, (int)strcspn(build, "\n"), build) < 0)
		return NULL;
	return kernel;
}

char *vqi_host_cpu(const char *cpuinfo)
{
	static const char name[] = "model name";
	const char *line = strstr(cpuinfo, name);
	const char *colon = line ? strchr(line, ':') : NULL;

	if (!colon || (line != cpuinfo && line[-1] != '\n'))
		return NULL;
	colon += 1 + strspn(colon + 1, " ");
	return strndup(colon, strcspn(colon, "\n"));
}

char *vqi_host_distribution(const char *os_release)
{
	static const char name[] = "PRETTY_NAME=";

	while (*os_release && strncmp(os_release, name, strlen(name)) != 0) {
		os_release += strcspn(os_release, "\n");
		os_release += *os_release == '\n';
	}
	if (!*os_release)
		return NULL;
	os_release += strlen(name);
	os_release += strspn(os_release, "\"'");
	return strndup(os_release, strcspn(os_release, "\"'\n"));
}

/* Whether a word of the command line names an accelerator; a list of them tells nothing. */
static char *named_in(const char *word)
{
	static const char key[] = "accel=";
	const char *at = strstr(word, key);
	size_t len;

	if (!at || (at != word && at[-1] != ','))
		return NULL;
	at += strlen(key);
	len = strcspn(at, ",");
	return memchr(at, ':', len) ? NULL : strndup(at, len);
}

char *vqi_host_accelerator(const struct vqi_maps *maps, const char *words, size_t len)
{
	static const char vcpu[] = "anon_inode:kvm-vcpu";
	bool is_accel = false, is_machine = false;

	for (size_t i = 0; i < maps->count; i++) {
		if (maps->maps[i].path && strncmp(maps->maps[i].path, vcpu, strlen(vcpu)) == 0)
			return strdup("kvm");
	}
	for (size_t at = 0; at < len; at += strlen(words + at) + 1) {
		const char *word = words + at;
		char *named = is_machine ? named_in(word) : NULL;

		if (named)
			return named;
		if (is_accel)
			return strndup(word, strcspn(word, ","));
		word += strspn(word, "-");
		is_accel = word != words + at && strcmp(word, "accel") == 0;
		is_machine = word != words + at &&
			     (strcmp(word, "machine") == 0 || strcmp(word, "M") == 0);
	}
	return NULL;
}

/* ---- where they are ---- */

/* What cannot be found out leaves a report with less in it. */
static struct vqi_error *drop(struct vqi_error *error)
{
	if (error && error->code == VQI_ERROR_NOMEM)
		return error;
	vqi_error_free(error);
	return NULL;
}

/* A text of procfs; NULL stays where it cannot be read. */
static struct vqi_error *read_text(struct vqi_process *process, const char *name, size_t max,
				   char **ret_text, size_t *ret_len)
{
	return drop(vqi_process_read_file(process, name, max, ret_text, ret_len));
}

static struct vqi_error *read_command_line(struct vqi_process *process, struct vqi_host *host)
{
	vqi_cleanup_free char *words = NULL;
	size_t len = 0;
	struct vqi_error *error = read_text(process, "cmdline", VQI_MAX_COMMAND, &words, &len);

	if (error || !words)
		return error;
	return vqi_mask_command_line(words, len, &host->command_line, &host->command_line_len);
}

static struct vqi_error *read_host(struct vqi_process *process, struct vqi_host *host)
{
	vqi_cleanup_free char *version = NULL, *cpuinfo = NULL;
	struct vqi_error *error = read_text(process, "../version", MAX_TEXT, &version, NULL);

	if (!error)
		error = read_text(process, "../cpuinfo", VQI_MAX_CPUINFO, &cpuinfo, NULL);
	if (version)
		host->kernel = vqi_host_kernel(version);
	if (cpuinfo)
		host->cpu = vqi_host_cpu(cpuinfo);
	return error;
}

static struct vqi_error *read_accelerator(struct vqi_process *process, struct vqi_host *host)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	struct vqi_error *error = drop(vqi_process_maps(process, &maps));

	if (error)
		return error;
	host->accelerator = vqi_host_accelerator(
		&maps, host->command_line ? host->command_line : "", host->command_line_len);
	return NULL;
}

/* Source: fs/d_path.c prepend_path(), which says so of a file that was removed or replaced. */
static struct vqi_error *read_exe(struct vqi_process *process, struct vqi_host *host)
{
	static const char suffix[] = " (deleted)";
	vqi_cleanup_free char *exe = NULL;
	struct vqi_error *error = drop(vqi_process_read_link(process, "exe", &exe));

	if (exe && strlen(exe) >= strlen(suffix))
		host->is_replaced = strcmp(exe + strlen(exe) - strlen(suffix), suffix) == 0;
	return error;
}

static struct vqi_error *read_system(struct vqi_process *process, const char *program,
				     struct vqi_host *host)
{
	vqi_cleanup_free char *os_release = NULL;
	struct vqi_error *error =
		read_text(process, "root/etc/os-release", MAX_TEXT, &os_release, NULL);

	if (os_release)
		host->distribution = vqi_host_distribution(os_release);
	if (!error)
		error = read_exe(process, host);
	return error ? error : drop(vqi_process_package(process, program, &host->package));
}

static struct vqi_error *find_all(struct vqi_process *process, const char *program,
				  struct vqi_host *host)
{
	struct vqi_error *error = read_command_line(process, host);

	if (!error)
		error = read_host(process, host);
	if (!error)
		error = read_accelerator(process, host);
	return error ? error : read_system(process, program, host);
}

/* ---- what a recording has of it: the command line without its secrets ---- */

static void note(struct vqi_process *process, const struct vqi_host *host,
		 const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	vqi_pack_u32(&data, (uint32_t)host->command_line_len);
	vqi_pack_bytes(&data, host->command_line, host->command_line_len);
	vqi_pack_text(&data, host->package);
	vqi_pack_u8(&data, host->is_replaced);
	vqi_pack_text(&data, host->distribution);
	vqi_pack_text(&data, host->kernel);
	vqi_pack_text(&data, host->cpu);
	vqi_pack_text(&data, host->accelerator);
	vqi_fact_note(process, VQI_FACT_HOST, 0, &data, error);
}

static struct vqi_error *recall_command_line(struct vqi_unpack *data, struct vqi_host *host)
{
	uint32_t len = vqi_unpack_u32(data);
	const uint8_t *words = vqi_unpack_bytes(data, len);

	data->failed |= len && words && words[len - 1] != '\0';
	if (data->failed || !len)
		return NULL;
	host->command_line = malloc(len);
	if (!host->command_line)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memcpy(host->command_line, words, len);
	host->command_line_len = len;
	return NULL;
}

/* It is there where a report was asked for when it was recorded; else all of it is unknown. */
static struct vqi_error *recall(struct vqi_process *process, struct vqi_host *host)
{
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(process, VQI_FACT_HOST, 0, &data);

	if (error)
		return drop(error);
	error = recall_command_line(&data, host);
	host->package = vqi_unpack_text(&data);
	host->is_replaced = vqi_unpack_u8(&data);
	host->distribution = vqi_unpack_text(&data);
	host->kernel = vqi_unpack_text(&data);
	host->cpu = vqi_unpack_text(&data);
	host->accelerator = vqi_unpack_text(&data);
	return error ? error : vqi_fact_error(&data, "the host");
}

struct vqi_error *vqi_host_read(struct vqi_process *process, const char *program,
				struct vqi_snapshot *snapshot)
{
	struct vqi_error *error;

	if (vqi_process_is_replay(process))
		return recall(process, &snapshot->host);
	vqi_fact_begin(process);
	error = find_all(process, program, &snapshot->host);
	vqi_fact_end(process);
	note(process, &snapshot->host, error);
	return error;
}
