/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/names.h"

/* Ids: VirtIO 1.2, 5; later ones from the drafts after it. Words: those of QEMU, which also its
 * monitor uses: hw/virtio/virtio.c, virtio_device_names. */
static const char *const type_names[] = {
	[1] = "virtio-net",
	[2] = "virtio-blk",
	[3] = "virtio-serial",
	[4] = "virtio-rng",
	[5] = "virtio-balloon",
	[6] = "virtio-iomem",
	[7] = "virtio-rpmsg",
	[8] = "virtio-scsi",
	[9] = "virtio-9p",
	[10] = "virtio-mac-wlan",
	[11] = "virtio-rproc-serial",
	[12] = "virtio-caif",
	[13] = "virtio-mem-balloon",
	[16] = "virtio-gpu",
	[17] = "virtio-clk",
	[18] = "virtio-input",
	[19] = "vhost-vsock",
	[20] = "virtio-crypto",
	[21] = "virtio-signal",
	[22] = "virtio-pstore",
	[23] = "virtio-iommu",
	[24] = "virtio-mem",
	[25] = "virtio-sound",
	[26] = "virtio-user-fs",
	[27] = "virtio-pmem",
	[28] = "virtio-rpmb",
	[29] = "virtio-mac-hwsim",
	[30] = "virtio-vid-encoder",
	[31] = "virtio-vid-decoder",
	[32] = "virtio-scmi",
	[33] = "virtio-nitro-sec-mod",
	[34] = "vhost-user-i2c",
	[35] = "virtio-watchdog",
	[36] = "virtio-can",
	[37] = "virtio-dmabuf",
	[38] = "virtio-param-serv",
	[39] = "virtio-audio-pol",
	[40] = "virtio-bluetooth",
	[41] = "virtio-gpio",
	[45] = "virtio-spi",
	[48] = "virtio-media",
};

const char *vqi_device_type_name(unsigned int device_id)
{
	if (device_id >= sizeof(type_names) / sizeof(type_names[0]))
		return NULL;
	return type_names[device_id];
}

const char *vqi_status_name(unsigned int bit)
{
	/* VirtIO 1.2, 2.1 */
	static const char *const names[] = {
		[0] = "ACKNOWLEDGE",	    [1] = "DRIVER", [2] = "DRIVER_OK", [3] = "FEATURES_OK",
		[6] = "DEVICE_NEEDS_RESET", [7] = "FAILED",
	};

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}
