/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feature bits: VirtIO 1.2, 6 and "Feature bits" of each device type, with those of later drafts
 * and of the legacy interface. A name is the macro's without VIRTIO_, which is put back by BIT(). */
#include "vqi/names.h"

#define COUNT(array)	  (sizeof(array) / sizeof((array)[0]))

#define BIT(number, name) [number] = "VIRTIO_" name

/* Of every device. */
static const char *const ring_and_transport[] = {
	BIT(24, "F_NOTIFY_ON_EMPTY"),	 BIT(27, "F_ANY_LAYOUT"),
	BIT(28, "RING_F_INDIRECT_DESC"), BIT(29, "RING_F_EVENT_IDX"),
	BIT(30, "F_BAD_FEATURE"), /* include/hw/virtio/virtio.h: legacy drivers must not take it */
	BIT(32, "F_VERSION_1"),		 BIT(33, "F_ACCESS_PLATFORM"),
	BIT(34, "F_RING_PACKED"),	 BIT(35, "F_IN_ORDER"),
	BIT(36, "F_ORDER_PLATFORM"),	 BIT(37, "F_SR_IOV"),
	BIT(38, "F_NOTIFICATION_DATA"),	 BIT(39, "F_NOTIF_CONFIG_DATA"),
	BIT(40, "F_RING_RESET"),	 BIT(41, "F_ADMIN_VQ"),
};

static const char *const net[] = {
	BIT(0, "NET_F_CSUM"),
	BIT(1, "NET_F_GUEST_CSUM"),
	BIT(2, "NET_F_CTRL_GUEST_OFFLOADS"),
	BIT(3, "NET_F_MTU"),
	BIT(5, "NET_F_MAC"),
	BIT(6, "NET_F_GSO"),
	BIT(7, "NET_F_GUEST_TSO4"),
	BIT(8, "NET_F_GUEST_TSO6"),
	BIT(9, "NET_F_GUEST_ECN"),
	BIT(10, "NET_F_GUEST_UFO"),
	BIT(11, "NET_F_HOST_TSO4"),
	BIT(12, "NET_F_HOST_TSO6"),
	BIT(13, "NET_F_HOST_ECN"),
	BIT(14, "NET_F_HOST_UFO"),
	BIT(15, "NET_F_MRG_RXBUF"),
	BIT(16, "NET_F_STATUS"),
	BIT(17, "NET_F_CTRL_VQ"),
	BIT(18, "NET_F_CTRL_RX"),
	BIT(19, "NET_F_CTRL_VLAN"),
	BIT(20, "NET_F_CTRL_RX_EXTRA"),
	BIT(21, "NET_F_GUEST_ANNOUNCE"),
	BIT(22, "NET_F_MQ"),
	BIT(23, "NET_F_CTRL_MAC_ADDR"),
	BIT(50, "NET_F_DEVICE_STATS"),
	BIT(51, "NET_F_HASH_TUNNEL"),
	BIT(52, "NET_F_VQ_NOTF_COAL"),
	BIT(53, "NET_F_NOTF_COAL"),
	BIT(54, "NET_F_GUEST_USO4"),
	BIT(55, "NET_F_GUEST_USO6"),
	BIT(56, "NET_F_HOST_USO"),
	BIT(57, "NET_F_HASH_REPORT"),
	BIT(59, "NET_F_GUEST_HDRLEN"),
	BIT(60, "NET_F_RSS"),
	BIT(61, "NET_F_RSC_EXT"),
	BIT(62, "NET_F_STANDBY"),
	BIT(63, "NET_F_SPEED_DUPLEX"),
};

static const char *const blk[] = {
	BIT(0, "BLK_F_BARRIER"),       BIT(1, "BLK_F_SIZE_MAX"),  BIT(2, "BLK_F_SEG_MAX"),
	BIT(4, "BLK_F_GEOMETRY"),      BIT(5, "BLK_F_RO"),	  BIT(6, "BLK_F_BLK_SIZE"),
	BIT(7, "BLK_F_SCSI"),	       BIT(9, "BLK_F_FLUSH"),	  BIT(10, "BLK_F_TOPOLOGY"),
	BIT(11, "BLK_F_CONFIG_WCE"),   BIT(12, "BLK_F_MQ"),	  BIT(13, "BLK_F_DISCARD"),
	BIT(14, "BLK_F_WRITE_ZEROES"), BIT(15, "BLK_F_LIFETIME"), BIT(16, "BLK_F_SECURE_ERASE"),
	BIT(17, "BLK_F_ZONED"),
};

static const char *const console[] = {
	BIT(0, "CONSOLE_F_SIZE"),
	BIT(1, "CONSOLE_F_MULTIPORT"),
	BIT(2, "CONSOLE_F_EMERG_WRITE"),
};

static const char *const balloon[] = {
	BIT(0, "BALLOON_F_MUST_TELL_HOST"), BIT(1, "BALLOON_F_STATS_VQ"),
	BIT(2, "BALLOON_F_DEFLATE_ON_OOM"), BIT(3, "BALLOON_F_FREE_PAGE_HINT"),
	BIT(4, "BALLOON_F_PAGE_POISON"),    BIT(5, "BALLOON_F_REPORTING"),
};

static const char *const scsi[] = {
	BIT(0, "SCSI_F_INOUT"),
	BIT(1, "SCSI_F_HOTPLUG"),
	BIT(2, "SCSI_F_CHANGE"),
	BIT(3, "SCSI_F_T10_PI"),
};

static const char *const ninep[] = {
	BIT(0, "9P_MOUNT_TAG"), /* without an F, in the specification too */
};

static const char *const gpu[] = {
	BIT(0, "GPU_F_VIRGL"),	       BIT(1, "GPU_F_EDID"),	     BIT(2, "GPU_F_RESOURCE_UUID"),
	BIT(3, "GPU_F_RESOURCE_BLOB"), BIT(4, "GPU_F_CONTEXT_INIT"),
};

static const char *const vsock[] = {
	BIT(0, "VSOCK_F_STREAM"),
	BIT(1, "VSOCK_F_SEQPACKET"),
	BIT(2, "VSOCK_F_NO_IMPLIED_STREAM"),
};

static const char *const crypto[] = {
	BIT(0, "CRYPTO_F_REVISION_1"),		BIT(1, "CRYPTO_F_CIPHER_STATELESS_MODE"),
	BIT(2, "CRYPTO_F_HASH_STATELESS_MODE"), BIT(3, "CRYPTO_F_MAC_STATELESS_MODE"),
	BIT(4, "CRYPTO_F_AEAD_STATELESS_MODE"), BIT(5, "CRYPTO_F_AKCIPHER_STATELESS_MODE"),
};

static const char *const iommu[] = {
	BIT(0, "IOMMU_F_INPUT_RANGE"),	 BIT(1, "IOMMU_F_DOMAIN_RANGE"),
	BIT(2, "IOMMU_F_MAP_UNMAP"),	 BIT(3, "IOMMU_F_BYPASS"),
	BIT(4, "IOMMU_F_PROBE"),	 BIT(5, "IOMMU_F_MMIO"),
	BIT(6, "IOMMU_F_BYPASS_CONFIG"),
};

static const char *const mem[] = {
	BIT(0, "MEM_F_ACPI_PXM"),
	BIT(1, "MEM_F_UNPLUGGED_INACCESSIBLE"),
	BIT(2, "MEM_F_PERSISTENT_SUSPEND"),
};

static const char *const sound[] = {BIT(0, "SND_F_CTLS")};
static const char *const fs[] = {BIT(0, "FS_F_NOTIFICATION")};
static const char *const pmem[] = {BIT(0, "PMEM_F_SHMEM_REGION")};
static const char *const i2c[] = {BIT(0, "I2C_F_ZERO_LENGTH_REQUEST")};
static const char *const gpio[] = {BIT(0, "GPIO_F_IRQ")};

static const char *const scmi[] = {
	BIT(0, "SCMI_F_P2A_CHANNELS"),
	BIT(1, "SCMI_F_SHARED_MEMORY"),
};

static const char *const can[] = {
	BIT(0, "CAN_F_CAN_CLASSIC"),
	BIT(1, "CAN_F_CAN_FD"),
	BIT(2, "CAN_F_RTR_FRAMES"),
	BIT(3, "CAN_F_LATE_TX_ACK"),
};

static const char *const bluetooth[] = {
	BIT(0, "BT_F_VND_HCI"),
	BIT(1, "BT_F_MSFT_EXT"),
	BIT(2, "BT_F_AOSP_EXT"),
	BIT(3, "BT_F_CONFIG_V2"),
};

#define DEVICE(device_id, names) [device_id] = {names, COUNT(names)}

static const struct {
	const char *const *names;
	unsigned int count;
} devices[] = {
	DEVICE(1, net),	    DEVICE(2, blk),	   DEVICE(3, console), DEVICE(5, balloon),
	DEVICE(8, scsi),    DEVICE(9, ninep),	   DEVICE(16, gpu),    DEVICE(19, vsock),
	DEVICE(20, crypto), DEVICE(23, iommu),	   DEVICE(24, mem),    DEVICE(25, sound),
	DEVICE(26, fs),	    DEVICE(27, pmem),	   DEVICE(32, scmi),   DEVICE(34, i2c),
	DEVICE(36, can),    DEVICE(40, bluetooth), DEVICE(41, gpio),
};

const char *vqi_feature_name(unsigned int device_id, unsigned int bit)
{
	if (bit < COUNT(ring_and_transport) && ring_and_transport[bit])
		return ring_and_transport[bit];
	if (device_id < COUNT(devices) && bit < devices[device_id].count)
		return devices[device_id].names[bit];
	return NULL;
}
