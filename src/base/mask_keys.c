/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which values may be seen, by their keys and by what they are. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mask_private.h"

/* Keys of QEMU's whose values are names, places and kinds. A "-" stands for "_" as well. What is always a number, "on" or
 * "off" need not be here. */
static const char *const shown[] = {
	/* Names: of secrets, too, which are objects. */
	"id",
	"name",
	"guest",
	"process",
	"node-name",
	"drive",
	"bus",
	"netdev",
	"chardev",
	"audiodev",
	"fsdev",
	"iothread",
	"throttle-group",
	"memdev",
	"group",
	"tls-creds",
	"tls-authz",
	"sasl-authz",
	"authz",
	"keyid",
	"key-secret",
	"password-secret",
	"cookie-secret",
	"proxy-password-secret",
	"old-secret",
	"new-secret",
	"mount-tag",
	"tag",
	"failover-pair-id",
	"primary-bus",
	"export",
	"node",
	"property",
	"backing",
	"confidential-guest-support",
	"memory-backend",
	"pflash0",
	"pflash1",
	"data-file",
	/* Kinds. */
	"driver",
	"qom-type",
	"type",
	"kind",
	"model",
	"format",
	"fmt",
	"backing-fmt",
	"if",
	"media",
	"cache",
	"aio",
	"discard",
	"detect-zeroes",
	"werror",
	"rerror",
	"on-error",
	"policy",
	"accel",
	"kernel-irqchip",
	"cpu-type",
	"base",
	"clock",
	"driftfix",
	"backend",
	"protocol",
	"transport",
	"endpoint",
	"mode",
	"order",
	"once",
	"share",
	"security-model",
	"multidevs",
	"gic-version",
	"iommu",
	"firmware",
	"host-nodes",
	"prealloc",
	"intercept",
	"thread",
	"tls-channel",
	"plaintext-channel",
	"image-compression",
	"streaming-video",
	"obsolete",
	"elevateprivileges",
	"spawn",
	"resourcecontrol",
	"timestamp",
	"action",
	"reboot",
	"shutdown",
	"panic",
	"watchdog",
	"manufacturer",
	"product",
	"vendor",
	"version",
	"date",
	"release",
	/* Places. */
	"addr",
	"mac",
	"macaddr",
	"host",
	"port",
	"tls-port",
	"to",
	"path",
	"file",
	"filename",
	"dir",
	"socket",
	"unix",
	"ifname",
	"br",
	"script",
	"downscript",
	"helper",
	"hostfwd",
	"net",
	"dhcpstart",
	"fd",
	"fds",
	"vhostfd",
	"vhostfds",
	"opaque",
	"portal",
	"target",
	"pool",
	"image",
	"volume",
	"namespace",
	"conf",
	"romfile",
	"logfile",
	"display",
	"rendernode",
	"vq-mapping",
	NULL,
};

/* Parts of keys whose values are secret whatever they are. */
static const char *const hidden_parts[] = {
	"pass", "secret", "token",  "cookie", "key",  "auth", "cred",
	"code", "data",	  "string", "serial", "uuid", NULL,
};

/* The same, of those that are in other words, too: they have no letter beside them. The last is that of a property which has
 * its name elsewhere. */
static const char *const hidden_words[] = {"pin", "pw", "pwd", "otp", "psk", "value", NULL};

static const char *const kernel_shown[] = {
	"BOOT_IMAGE",	"console",
	"root",		"rootfstype",
	"init",		"rdinit",
	"earlycon",	"earlyprintk",
	"net.ifnames",	"mitigations",
	"iommu",	"intel_iommu",
	"amd_iommu",	"pci",
	"clocksource",	"tsc",
	"crashkernel",	"isolcpus",
	"nohz_full",	"rcu_nocbs",
	"idle",		"acpi",
	"apic",		"memmap",
	"mem",		"virtio_mmio.device",
	"systemd.unit", NULL,
};

static const char *const kernel_words[] = {
	"quiet",       "ro",	   "rw",      "debug",	"nokaslr",	   "nopti",   "splash",
	"nomodeset",   "rootwait", "noapic",  "single", "nosmp",	   "nosmap",  "noxsave",
	"nohibernate", "earlycon", "verbose", "text",	"ignore_loglevel", "nolapic", NULL,
};

static const char *const harmless[] = {
	"on", "off", "yes", "no", "true", "false", "auto", "none", "host", VQI_MASK, NULL,
};

#define MAX_KEY	    64
#define MAX_DIGITS  10 /* of a decimal number */
#define MAX_HEX	    16
#define SIZE_SUFFIX "bBkKmMgGtTpPeE"

bool vqi_mask_is_one_of(const char *word, const char *const *list)
{
	while (*list && strcmp(word, *list) != 0)
		list++;
	return *list != NULL;
}

bool vqi_mask_is_key(const char *key, const char *value)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(key);

	return isalpha((unsigned char)key[0]) && len <= MAX_KEY && strspn(key, letters) == len &&
	       value[strspn(value, "=")];
}

static bool has_word(const char *key, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = key; (at = strcasestr(at, word)); at++) {
		if ((at == key || !isalpha((unsigned char)at[-1])) &&
		    !isalpha((unsigned char)at[len]))
			return true;
	}
	return false;
}

static bool is_hidden(const char *key)
{
	for (const char *const *part = hidden_parts; *part; part++) {
		if (strcasestr(key, *part))
			return true;
	}
	for (const char *const *word = hidden_words; *word; word++) {
		if (has_word(key, *word))
			return true;
	}
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

enum vqi_mask_rule vqi_mask_key(const char *key)
{
	const char *dot = strrchr(key, '.');
	char name[MAX_KEY + 1] = "";

	if (strlen(key) > MAX_KEY)
		return VQI_MASK_HIDE;
	strcpy(name, dot ? dot + 1 : key);
	for (char *c = name; *c; c++)
		*c = *c == '_' ? '-' : *c;
	if (vqi_mask_is_one_of(name, shown) || ends_with(name, "-file") ||
	    ends_with(name, "-dir") || ends_with(name, "-path"))
		return VQI_MASK_SHOW;
	return is_hidden(key) ? VQI_MASK_HIDE : VQI_MASK_HARMLESS;
}

enum vqi_mask_rule vqi_mask_kernel_key(const char *key)
{
	if (vqi_mask_is_one_of(key, kernel_shown) || vqi_mask_is_one_of(key, kernel_words))
		return VQI_MASK_SHOW;
	return is_hidden(key) ? VQI_MASK_HIDE : VQI_MASK_HARMLESS;
}

bool vqi_mask_is_harmless(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (vqi_mask_is_one_of(value, harmless))
		return true;
	if (strncmp(value, "0x", 2) == 0) {
		digits = strspn(value + 2, "0123456789abcdefABCDEF");
		return digits && digits <= MAX_HEX && !value[2 + digits];
	}
	if (!digits || digits > MAX_DIGITS)
		return false;
	value += digits;
	if (*value == '.') {
		digits = strspn(++value, "0123456789");
		if (!digits || digits > MAX_DIGITS)
			return false;
		value += digits;
	}
	if (*value && strchr(SIZE_SUFFIX, *value))
		value++;
	return !*value;
}
