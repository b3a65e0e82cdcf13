/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts in files. */
#include "vqi/profile.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <inttypes.h>
#include <json-c/json.h>

#include "fake_qemu.h"
#include "unit.h"
#include "vqi/fnv.h"

static struct fake_qemu *qemu;
static struct vqi_layout layout, again;
static struct vqi_image image;
static char path[] = "/tmp/vqi-profile-XXXXXX", written[1 << 17];

/* An image whose own symbol tables have none of QEMU's variables: that of the test. */
static void setup(void)
{
	int fd;

	strcpy(path, "/tmp/vqi-profile-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	memset(&again, 0x5a, sizeof(again));
	image = (struct vqi_image){
		.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
		.build_id = (char *)"0badc0de",
		.version = (char *)"7.2.22 (Debian \"1\")",
	};
	ck_assert_int_ge(image.fd, 0);
	qemu = fake_qemu_new(1);
	layout = qemu->layout;
	layout.source = VQI_LAYOUT_DWARF;
}

static void teardown(void)
{
	fake_qemu_free(qemu);
	close(image.fd);
	unlink(path);
}

static void write_profile(void)
{
	FILE *file = fopen(path, "we");
	size_t len;

	ck_assert_ptr_nonnull(file);
	ck_assert_ok(vqi_profile_write(file, &layout, &image));
	fclose(file);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	len = fread(written, 1, sizeof(written) - 1, file);
	written[len] = '\0';
	fclose(file);
}

static void write_text(const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static struct vqi_error *read_profile(void)
{
	vqi_cleanup(vqi_profile_done) struct vqi_profile profile = {0};
	struct vqi_error *error = vqi_profile_read(path, &profile);

	return error ? error : vqi_profile_apply(&profile, &image, &again);
}

/* The written profile with the first of one text replaced by another of the same length. */
static void replace(const char *old, const char *new)
{
	char *at = strstr(written, old);

	ck_assert_msg(at, "no %s", old);
	ck_assert_uint_eq(strlen(old), strlen(new));
	memcpy(at, new, strlen(new));
	write_text(written);
}

/* Gives the written profile the digest of what it says now: of all numbers and names of structs, in their order. */
static void sign(void)
{
	struct json_object *root = json_tokener_parse(written), *structs, *said;
	uint64_t hash = VQI_FNV_BASIS;
	char line[512], digest[17];

	ck_assert(json_object_object_get_ex(root, "structs", &structs));
	json_object_object_foreach(structs, name, object)
	{
		struct json_object *fields = json_object_object_get(object, "fields");
		struct json_object *size = json_object_object_get(object, "size");

		snprintf(line, sizeof(line), "%s %s\n", name, json_object_get_string(size));
		hash = vqi_fnv(hash, line);
		json_object_object_foreach(fields, member, field)
		{
			struct json_object *offset = json_object_object_get(field, "offset");

			size = json_object_object_get(field, "size");
			snprintf(line, sizeof(line), "%s %s ", member,
				 json_object_get_string(offset));
			hash = vqi_fnv(vqi_fnv(hash, line), json_object_get_string(size));
			hash = vqi_fnv(hash, "\n");
		}
	}
	snprintf(digest, sizeof(digest), "%016" PRIx64, hash);
	ck_assert(json_object_object_get_ex(root, "digest", &said));
	replace(json_object_get_string(said), digest);
	json_object_put(root);
}

static void assert_same_structs(void)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++) {
		ck_assert_int_eq(again.structs[i].present, layout.structs[i].present);
		ck_assert(!layout.structs[i].present ||
			  again.structs[i].size == layout.structs[i].size);
	}
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		ck_assert_int_eq(again.fields[i].present, layout.fields[i].present);
		ck_assert(!layout.fields[i].present ||
			  (again.fields[i].offset == layout.fields[i].offset &&
			   again.fields[i].size == layout.fields[i].size));
	}
}

static void assert_no_symbols(void)
{
	assert_same_structs();
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		ck_assert(!again.symbols[i].present);
}

START_TEST(test_of_the_same_build)
{
	layout.fields[VQI_F_AioContext_notify_me].present = false;
	layout.structs[VQI_S_VirtIOSCSI].present = false;
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (vqi_field_info(i)->structure == VQI_S_VirtIOSCSI)
			layout.fields[i].present = false;
	}
	layout.symbols[VQI_SYM_cpus].present = false;
	write_profile();
	ck_assert_ok(read_profile());
	assert_same_structs();
	ck_assert_int_eq(again.source, VQI_LAYOUT_PROFILE);
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++) {
		ck_assert_int_eq(again.symbols[i].present, layout.symbols[i].present);
		ck_assert(!layout.symbols[i].present ||
			  again.symbols[i].address == layout.symbols[i].address);
	}
}
END_TEST

/* What was told by what it holds may be something else in another process of the same build. */
START_TEST(test_symbols_by_content)
{
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		layout.symbols[i].by_content = true;
	write_profile();
	ck_assert_ok(read_profile());
	assert_no_symbols();
}
END_TEST

/* Addresses of another build, or of one without a build-id, mean nothing. */
START_TEST(test_of_another_build)
{
	write_profile();
	image.build_id = (char *)"0badc0df";
	ck_assert_ok(read_profile());
	assert_no_symbols();
	image.build_id = NULL;
	ck_assert_ok(read_profile());
	assert_no_symbols();
	write_profile();
	ck_assert_ok(read_profile());
	assert_no_symbols();
}
END_TEST

/* It is said where it differs, and read again; of what debug information told, nothing is said, nor unknown. */
START_TEST(test_how)
{
	write_profile();
	ck_assert_ptr_null(strstr(written, "\"how\""));
	ck_assert_ptr_null(strstr(written, "\"unknown\""));
	layout.source = VQI_LAYOUT_BUILTIN;
	layout.is_foreign = true;
	layout.fields[VQI_F_VirtQueue_used_idx].how = VQI_HOW_MEASURED;
	layout.fields[VQI_F_VirtQueue_inuse].how = VQI_HOW_AGREED;
	layout.structs[VQI_S_VRing].how = VQI_HOW_LEAST;
	layout.fields[VQI_F_AioContext_notify_me].present = false;
	write_profile();
	ck_assert_ptr_nonnull(strstr(written, "\"unknown\":[\n    \"AioContext.notify_me\"\n  ]"));
	ck_assert_ok(read_profile());
	assert_same_structs();
	ck_assert_int_eq(again.fields[VQI_F_VirtQueue_used_idx].how, VQI_HOW_MEASURED);
	ck_assert_int_eq(again.fields[VQI_F_VirtQueue_inuse].how, VQI_HOW_AGREED);
	ck_assert_int_eq(again.fields[VQI_F_VirtQueue_vdev].how, VQI_HOW_AS_ALL);
	ck_assert_int_eq(again.structs[VQI_S_VRing].how, VQI_HOW_LEAST);
	ck_assert_int_eq(again.structs[VQI_S_VirtQueue].how, VQI_HOW_AS_ALL);
	replace("\"measured\"", "\"foretold\"");
	ck_assert_ok(read_profile());
	ck_assert_int_eq(again.fields[VQI_F_VirtQueue_used_idx].how, VQI_HOW_AS_ALL);
}
END_TEST

START_TEST(test_required_field_is_missing)
{
	layout.fields[VQI_F_VirtQueue_used_idx].present = false;
	write_profile();
	ck_assert_code_text(read_profile(), VQI_ERROR_NO_LAYOUT, "VirtQueue.used_idx");
	ck_assert_int_eq(again.source, 0x5a5a5a5a); /* untouched */
}
END_TEST

/* A later tool's profile may have more. */
START_TEST(test_unknown_members)
{
	write_profile();
	replace("\"notify_me\"", "\"notify_us\"");
	ck_assert_code_text(read_profile(), VQI_ERROR_BAD_DATA, "changed after it was written");
	sign();
	ck_assert_ok(read_profile());
	ck_assert(!again.fields[VQI_F_AioContext_notify_me].present);
}
END_TEST

START_TEST(test_no_profile)
{
	static const char *const texts[] = {
		"",
		"{",
		"null",
		"[]",
		"7",
		"{}",
		"{\"schema\":\"virtq-inspect-layout/2\",\"structs\":{}}",
		"{\"schema\":\"virtq-inspect-layout/1\"}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":[]}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":{\"VRing\":{}}}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":{\"VRing\":{\"size\":-1}}}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":{\"VRing\":{\"size\":1048577}}}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":{\"VRing\":{\"size\":1e3}}}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":{\"VRing\":{\"size\":8,"
		"\"fields\":{\"num\":{}}}}}",
		"{\"schema\":\"virtq-inspect-layout/1\",\"structs\":{\"VRing\":{\"size\":8,"
		"\"fields\":{\"num\":{\"offset\":6,\"size\":4}}}}}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vqi_error *error;

		write_text(texts[i]);
		error = read_profile();
		ck_assert_msg(error && error->code == VQI_ERROR_BAD_DATA, "%s", texts[i]);
		ck_assert_ptr_nonnull(strstr(error->message, path));
		vqi_error_free(error);
	}
}
END_TEST

START_TEST(test_bad_address)
{
	write_profile();
	replace("\"current_machine\":\"0x", "\"current_machine\":\"zz");
	ck_assert_code_text(read_profile(), VQI_ERROR_BAD_DATA, "current_machine");
}
END_TEST

START_TEST(test_no_file)
{
	unlink(path);
	ck_assert_code_text(read_profile(), VQI_ERROR_SYS, path);
}
END_TEST

START_TEST(test_full_device)
{
	FILE *file = fopen("/dev/full", "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_code(vqi_profile_write(file, &layout, &image), VQI_ERROR_SYS);
	fclose(file);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_of_the_same_build);
	tcase_add_test(tcase, test_symbols_by_content);
	tcase_add_test(tcase, test_of_another_build);
	tcase_add_test(tcase, test_how);
	tcase_add_test(tcase, test_required_field_is_missing);
	tcase_add_test(tcase, test_unknown_members);
	tcase_add_test(tcase, test_no_profile);
	tcase_add_test(tcase, test_bad_address);
	tcase_add_test(tcase, test_no_file);
	tcase_add_test(tcase, test_full_device);
	return unit_run("profile", tcase);
}
