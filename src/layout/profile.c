/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vqi/cleanup.h"
#include "vqi/fnv.h"
#include "vqi/limits.h"
#include "vqi/snapshot.h"
#include "vqi/symbols.h"

#define SCHEMA "virtq-inspect-layout/1"

static void put_json(struct json_object *object)
{
	json_object_put(object);
}
VQI_DEFINE_CLEANUP(struct json_object *, put_json)

/* ---- the digest ---- */

static int64_t number_of(struct json_object *object, const char *name)
{
	struct json_object *number = NULL;

	json_object_object_get_ex(object, name, &number);
	return json_object_get_int64(number);
}

/* Of all structures and fields as they are written, also those that this tool does not know: a file that was
 * changed by accident, or by hand, is told. No protection against forgery: who can write a profile can write
 * its digest. */
static void make_digest(struct json_object *structs, char ret_digest[17])
{
	uint64_t hash = VQI_FNV_BASIS;
	char line[512];

	json_object_object_foreach(structs, name, object)
	{
		struct json_object *fields = NULL;

		snprintf(line, sizeof(line), "%s %" PRId64 "\n", name, number_of(object, "size"));
		hash = vqi_fnv(hash, line);
		if (!json_object_object_get_ex(object, "fields", &fields) ||
		    !json_object_is_type(fields, json_type_object))
			continue;
		json_object_object_foreach(fields, path, field)
		{
			snprintf(line, sizeof(line), "%s %" PRId64 " %" PRId64 "\n", path,
				 number_of(field, "offset"), number_of(field, "size"));
			hash = vqi_fnv(hash, line);
		}
	}
	snprintf(ret_digest, 17, "%016" PRIx64, hash);
}

/* ---- writing ---- */

/* Takes value; false without memory. */
static bool add(struct json_object *into, const char *name, struct json_object *value)
{
	if (value && json_object_object_add(into, name, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool add_string(struct json_object *into, const char *name, const char *value)
{
	if (!value)
		return json_object_object_add(into, name, NULL) == 0;
	return add(into, name, json_object_new_string(value));
}

/* An object within another. Owner: into. */
static struct json_object *add_object(struct json_object *into, const char *name)
{
	struct json_object *object = json_object_new_object();

	return add(into, name, object) ? object : NULL;
}

static bool add_how(struct json_object *into, enum vqi_how how)
{
	return how == VQI_HOW_AS_ALL || add_string(into, "how", vqi_how_name(how));
}

static bool add_field(struct json_object *fields, enum vqi_field_id id,
		      const struct vqi_field *field)
{
	struct json_object *object = add_object(fields, vqi_field_info(id)->path);

	return object && add(object, "offset", json_object_new_int64(field->offset)) &&
	       add(object, "size", json_object_new_int64(field->size)) &&
	       add_how(object, field->how);
}

static bool add_struct(struct json_object *structs, const struct vqi_layout *layout,
		       enum vqi_struct_id id)
{
	struct json_object *object = add_object(structs, vqi_struct_info(id)->name);
	struct json_object *fields = NULL;

	if (object && add(object, "size", json_object_new_int64(layout->structs[id].size)) &&
	    add_how(object, layout->structs[id].how))
		fields = add_object(object, "fields");
	for (size_t i = 0; fields && i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field *field = &layout->fields[i];

		if (field->present && vqi_field_info(i)->structure == id &&
		    !add_field(fields, i, field))
			return false;
	}
	return fields;
}

static bool add_structs(struct json_object *root, const struct vqi_layout *layout)
{
	struct json_object *structs = add_object(root, "structs");
	char digest[17];

	for (size_t i = 0; structs && i < VQI_STRUCT_COUNT; i++) {
		if (layout->structs[i].present && !add_struct(structs, layout, i))
			return false;
	}
	if (structs)
		make_digest(structs, digest);
	return structs && add_string(root, "digest", digest);
}

/* Debug information of the build would have them, if there were any. */
static bool add_unknown(struct json_object *root, const struct vqi_layout *layout)
{
	struct json_object *unknown;

	if (!layout->is_foreign)
		return true;
	unknown = json_object_new_array();
	if (!add(root, "unknown", unknown))
		return false;
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (!layout->fields[i].present &&
		    json_object_array_add(unknown, json_object_new_string(vqi_field_info(i)->name)))
			return false;
	}
	return true;
}

static bool add_symbols(struct json_object *root, const struct vqi_layout *layout)
{
	struct json_object *symbols = add_object(root, "symbols");
	char address[32];

	for (size_t i = 0; symbols && i < VQI_SYMBOL_COUNT; i++) {
		if (layout->is_foreign || !layout->symbols[i].present ||
		    layout->symbols[i].by_content)
			continue;
		snprintf(address, sizeof(address), "0x%" PRIx64, layout->symbols[i].address);
		if (!add_string(symbols, vqi_symbol_info(i)->name, address))
			return false;
	}
	return symbols;
}

/* What came from a profile of another build is not known of this one. */
static bool add_qemu(struct json_object *root, const struct vqi_layout *layout,
		     const struct vqi_image *image)
{
	struct json_object *object = add_object(root, "qemu");

	return object && add_string(object, "version", image->version) &&
	       add_string(object, "build_id", layout->is_foreign ? NULL : image->build_id);
}

struct vqi_error *vqi_profile_write(FILE *stream, const struct vqi_layout *layout,
				    const struct vqi_image *image)
{
	vqi_cleanup(put_json) struct json_object *root = json_object_new_object();
	const char *text = NULL;

	if (root && add_string(root, "schema", SCHEMA) &&
	    add_string(root, "generator", "virtq-inspect " VQI_VERSION) &&
	    add_string(root, "source", vqi_layout_source_name(layout->source)) &&
	    add_qemu(root, layout, image) && add_structs(root, layout) &&
	    add_unknown(root, layout) && add_symbols(root, layout))
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
								    JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (fprintf(stream, "%s\n", text) < 0 || fflush(stream) != 0)
		return vqi_error_sys(errno, "cannot write the layout");
	return NULL;
}

/* ---- reading ---- */

static struct vqi_error *bad(const char *what)
{
	return vqi_error_new(VQI_ERROR_BAD_DATA, "no layout profile: %s", what);
}

static struct json_object *member(struct json_object *object, const char *name, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

/* Offsets and sizes; what is no structure's is refused. */
static bool read_size(struct json_object *object, const char *name, uint32_t *ret_size)
{
	struct json_object *value = member(object, name, json_type_int);
	int64_t number = json_object_get_int64(value);

	if (!value || number < 0 || number > VQI_LAYOUT_MAX_SIZE)
		return false;
	*ret_size = (uint32_t)number;
	return true;
}

/* What a later tool says and this one does not know is nothing to it. */
static enum vqi_how read_how(struct json_object *object)
{
	const char *name = json_object_get_string(member(object, "how", json_type_string));

	for (enum vqi_how how = VQI_HOW_AS_ALL + 1; name && how < VQI_HOW_COUNT; how++) {
		if (strcmp(name, vqi_how_name(how)) == 0)
			return how;
	}
	return VQI_HOW_AS_ALL;
}

static struct vqi_error *read_fields(struct json_object *fields, enum vqi_struct_id id,
				     struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field_info *info = vqi_field_info(i);
		struct json_object *object;

		if (info->structure != id)
			continue;
		object = member(fields, info->path, json_type_object);
		if (!object)
			continue;
		layout->fields[i].present = true;
		layout->fields[i].how = read_how(object);
		if (!read_size(object, "offset", &layout->fields[i].offset) ||
		    !read_size(object, "size", &layout->fields[i].size))
			return vqi_error_prefix(bad("a field without offset and size"), "%s",
						info->name);
	}
	return NULL;
}

static struct vqi_error *check_digest(struct json_object *root, struct json_object *structs)
{
	struct json_object *said = member(root, "digest", json_type_string);
	char digest[17];

	json_object_object_foreach(structs, name, object)
	{
		if (!json_object_is_type(object, json_type_object))
			return vqi_error_prefix(bad("a structure that is no object"), "%s", name);
	}
	make_digest(structs, digest);
	if (!said || strcmp(json_object_get_string(said), digest) != 0)
		return bad("it was changed after it was written: its digest does not match");
	return NULL;
}

static struct vqi_error *read_structs(struct json_object *root, struct vqi_layout *layout)
{
	struct json_object *structs = member(root, "structs", json_type_object);
	struct vqi_error *error;

	if (!structs)
		return bad("it has no structs");
	error = check_digest(root, structs);
	for (size_t i = 0; !error && i < VQI_STRUCT_COUNT; i++) {
		const char *name = vqi_struct_info(i)->name;
		struct json_object *object = member(structs, name, json_type_object);

		if (!object)
			continue;
		layout->structs[i].present = true;
		layout->structs[i].how = read_how(object);
		if (!read_size(object, "size", &layout->structs[i].size))
			return vqi_error_prefix(bad("a structure without a size"), "%s", name);
		error = read_fields(member(object, "fields", json_type_object), i, layout);
	}
	return error;
}

/* ret_text stays NULL where it has none. */
static struct vqi_error *read_text(struct json_object *object, const char *name, char **ret_text)
{
	struct json_object *value = member(object, name, json_type_string);

	return value ? vqi_copy_string(json_object_get_string(value), ret_text) : NULL;
}

static struct vqi_error *read_symbols(struct json_object *root, struct vqi_layout *layout)
{
	struct json_object *symbols = member(root, "symbols", json_type_object);

	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++) {
		const char *name = vqi_symbol_info(i)->name;
		struct json_object *value = member(symbols, name, json_type_string);
		const char *text;
		uint64_t address;
		char *end;

		if (!value)
			continue;
		text = json_object_get_string(value);
		errno = 0;
		address = strtoull(text, &end, 16);
		if (strncmp(text, "0x", 2) != 0 || *end || errno)
			return vqi_error_prefix(bad("an address that is no number"), "%s", name);
		layout->symbols[i] = (struct vqi_symbol){.present = true, .address = address};
	}
	return NULL;
}

static struct vqi_error *read_root(struct json_object *root, struct vqi_profile *profile)
{
	struct json_object *schema = member(root, "schema", json_type_string);
	struct json_object *qemu = member(root, "qemu", json_type_object);
	struct vqi_error *error;

	if (!root)
		return bad("it is no JSON");
	if (!schema || strcmp(json_object_get_string(schema), SCHEMA) != 0)
		return bad("its schema is not " SCHEMA);
	error = read_structs(root, &profile->layout);
	if (!error)
		error = read_symbols(root, &profile->layout);
	if (!error)
		error = read_text(qemu, "version", &profile->version);
	return error ? error : read_text(qemu, "build_id", &profile->build_id);
}

/* Owner: takes root. */
static struct vqi_error *read_profile(struct json_object *root, const char *name,
				      struct vqi_profile *ret_profile)
{
	vqi_cleanup(put_json) struct json_object *owned = root;
	vqi_cleanup(vqi_profile_done) struct vqi_profile profile = {0};
	struct vqi_error *error = vqi_copy_string(name, &profile.name);

	if (!error)
		error = vqi_error_prefix(read_root(owned, &profile), "%s", name);
	if (error)
		return error;
	profile.layout.source = VQI_LAYOUT_PROFILE;
	*ret_profile = profile;
	profile = (struct vqi_profile){0};
	return NULL;
}

struct vqi_error *vqi_profile_read_fd(int fd, const char *name, struct vqi_profile *ret_profile)
{
	struct json_object *root;
	struct stat status;

	if (fstat(fd, &status) != 0)
		return vqi_error_sys(errno, "cannot read %s", name);
	if (!S_ISREG(status.st_mode) || status.st_size > VQI_MAX_PROFILE)
		return vqi_error_prefix(bad("it is no regular file, or too large"), "%s", name);
	errno = 0;
	root = json_object_from_fd(fd);
	if (!root && errno)
		return vqi_error_sys(errno, "cannot read %s", name);
	return read_profile(root, name, ret_profile);
}

struct vqi_error *vqi_profile_read(const char *path, struct vqi_profile *ret_profile)
{
	vqi_cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return vqi_error_file(errno, path);
	return vqi_profile_read_fd(fd, path, ret_profile);
}

void vqi_profile_done(struct vqi_profile *profile)
{
	free(profile->name);
	free(profile->version);
	free(profile->build_id);
	*profile = (struct vqi_profile){0};
}

/* ---- using ---- */

bool vqi_profile_is_of(const struct vqi_profile *profile, const struct vqi_image *image)
{
	return profile->build_id && image->build_id &&
	       strcmp(profile->build_id, image->build_id) == 0;
}

static void add_missing_symbols(const struct vqi_layout *profile, struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++) {
		if (!layout->symbols[i].present)
			layout->symbols[i] = profile->symbols[i];
	}
}

struct vqi_error *vqi_profile_apply(const struct vqi_profile *profile,
				    const struct vqi_image *image, struct vqi_layout *ret_layout)
{
	struct vqi_layout layout = profile->layout;
	struct vqi_error *error;

	layout.kind = image->kind;
	memset(layout.symbols, 0, sizeof(layout.symbols));
	error = vqi_elf_symbols(image, &layout);
	if (error)
		return error;
	snprintf(layout.name, sizeof(layout.name), "%s", basename(profile->name));
	layout.is_foreign = !vqi_profile_is_of(profile, image);
	if (!layout.is_foreign)
		add_missing_symbols(&profile->layout, &layout);
	error = vqi_error_prefix(vqi_layout_check(&layout), "%s", profile->name);
	if (!error)
		*ret_layout = layout;
	return error;
}
