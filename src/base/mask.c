/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/mask.h"

#include <stdlib.h>
#include <string.h>

#include "mask_private.h"
#include "vqi/cleanup.h"

#define MAX_OPTION 24 /* letters of an option that is not known */

/* How the value of an option is written. */
enum form {
	FORM_FLAG, /* it has none */
	FORM_HIDDEN,
	FORM_FILE, /* a name, a URL, or something else without a key */
	FORM_KEYVALS,
	FORM_KERNEL,
	FORM_UNKNOWN,
};

static const struct {
	enum form form;
	const char *names; /* a space before and behind each */
} options[] = {
	/* Source: qemu-options.hx; storage-daemon/qemu-storage-daemon.c. */
	{FORM_FLAG,
	 " snapshot nographic full-screen curses sdl portrait usb win2k-hack no-fd-bootchk no-acpi "
	 "no-hpet enable-kvm S daemonize preconfig no-reboot no-shutdown nodefaults "
	 "no-user-config only-migratable semihosting enable-fips mem-prealloc singlestep "
	 "one-insn-per-tb async-teardown xen-attach old-param perfmap jitdump "
	 "enable-sync-profile version help h "},
	{FORM_FILE,
	 " cpu mem-path k audio fda fdb hda hdb hdc hdd cdrom mtdblock sd usbdevice vga g bios "
	 "pflash kernel shim initrd dtb pidfile d D dfilter L loadvm option-rom watchdog "
	 "watchdog-action echr incoming trace runas chroot tb-size readconfig writeconfig "
	 "qtest qtest-log xen-domid dump-vmstate gdb "},
	{FORM_KEYVALS,
	 " machine M accel smp numa add-fd set global boot m audiodev device name blockdev drive "
	 "fsdev virtfs iscsi display spice vnc acpitable smbios netdev nic net chardev tpmdev "
	 "compat fw_cfg serial parallel monitor qmp qmp-pretty mon debugcon overcommit action rtc "
	 "icount prom-env semihosting-config sandbox plugin run-with msg object export nbd-server "},
	{FORM_KERNEL, " append "},
	{FORM_HIDDEN, " uuid seed "},
};

/* Where the words of the command line go, and what the last one was. */
struct masking {
	FILE *out;
	enum form wanted; /* of the value that the last option still wants; FLAG: none */
	bool is_after_unknown;
};

static enum form form_of(const char *name, size_t len)
{
	char padded[MAX_OPTION + 3];

	if (!len || len > MAX_OPTION)
		return FORM_UNKNOWN;
	snprintf(padded, sizeof(padded), " %.*s ", (int)len, name);
	if (strchr(padded + 1, ' ') != padded + len + 1)
		return FORM_UNKNOWN;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strstr(options[i].names, padded))
			return options[i].form;
	}
	return FORM_UNKNOWN;
}

static void write_value(FILE *out, enum form form, const char *value)
{
	if (form == FORM_KEYVALS || (form == FORM_FILE && value[0] == '{'))
		vqi_mask_keyvals(out, value);
	else if (form == FORM_FILE)
		vqi_mask_file(out, value);
	else if (form == FORM_KERNEL)
		vqi_mask_kernel(out, value);
	else
		vqi_mask_value(out, form == FORM_UNKNOWN ? VQI_MASK_HARMLESS : VQI_MASK_HIDE,
			       value);
}

/* Whether it looks like an option that this list has not got. */
static bool is_name(const char *name, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

	return len && len <= MAX_OPTION && strspn(name, letters) >= len;
}

/* -NAME, --NAME, or either with =VALUE. */
static void write_option(struct masking *masking, const char *word)
{
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	enum form form = form_of(name, len);

	if (form == FORM_UNKNOWN && (masking->is_after_unknown || !is_name(name, len))) {
		/* It may be what an option that is not known wants. */
		fputs("-" VQI_MASK, masking->out);
		masking->wanted = FORM_UNKNOWN;
		masking->is_after_unknown = true;
		return;
	}
	fprintf(masking->out, "%.*s", (int)(name + len - word), word);
	if (name[len]) {
		fputc('=', masking->out);
		write_value(masking->out, form == FORM_FLAG ? FORM_UNKNOWN : form, name + len + 1);
		form = FORM_FLAG;
	}
	masking->wanted = form;
	masking->is_after_unknown = form == FORM_UNKNOWN;
}

/* An option that is not known may have a value or none: what looks like an option is no value. */
static void write_word(struct masking *masking, const char *word)
{
	enum form wanted = masking->wanted;

	masking->wanted = FORM_FLAG;
	if (wanted != FORM_FLAG && (wanted != FORM_UNKNOWN || word[0] != '-')) {
		masking->is_after_unknown = false;
		write_value(masking->out, wanted, word);
	} else if (word[0] == '-' && word[1]) {
		write_option(masking, word);
	} else {
		/* A disk, or the program itself. */
		vqi_mask_file(masking->out, word);
	}
}

struct vqi_error *vqi_mask_command_line(const char *words, size_t len, char **ret_words,
					size_t *ret_len)
{
	vqi_cleanup_free char *masked = NULL;
	size_t masked_len = 0;
	struct masking masking = {.out = open_memstream(&masked, &masked_len)};
	vqi_cleanup_free char *copy = malloc(len + 1);
	bool failed;

	if (!masking.out)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (copy) {
		memcpy(copy, words, len);
		copy[len] = '\0';
	}
	for (size_t at = 0; copy && at < len; at += strlen(copy + at) + 1) {
		write_word(&masking, copy + at);
		fputc('\0', masking.out);
	}
	failed = !copy || ferror(masking.out);
	if (fclose(masking.out) || failed)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_words = take_ptr(masked);
	*ret_len = masked_len;
	return NULL;
}
