/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The oracle for numbers are the kernel's headers. */
#include "vqi/names.h"

#include <check.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_bt.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_gpio.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_i2c.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_iommu.h>
#include <linux/virtio_mem.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_scmi.h>
#include <linux/virtio_scsi.h>
#include <linux/virtio_vsock.h>
#include <string.h>

#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(test_type_names)
{
	static const struct {
		unsigned int id;
		const char *name;
	} types[] = {
		{VIRTIO_ID_NET, "virtio-net"},
		{VIRTIO_ID_BLOCK, "virtio-blk"},
		{VIRTIO_ID_CONSOLE, "virtio-serial"},
		{VIRTIO_ID_RNG, "virtio-rng"},
		{VIRTIO_ID_BALLOON, "virtio-balloon"},
		{VIRTIO_ID_SCSI, "virtio-scsi"},
		{VIRTIO_ID_9P, "virtio-9p"},
		{VIRTIO_ID_GPU, "virtio-gpu"},
		{VIRTIO_ID_INPUT, "virtio-input"},
		{VIRTIO_ID_VSOCK, "vhost-vsock"},
		{VIRTIO_ID_CRYPTO, "virtio-crypto"},
		{VIRTIO_ID_IOMMU, "virtio-iommu"},
		{VIRTIO_ID_MEM, "virtio-mem"},
		{VIRTIO_ID_SOUND, "virtio-sound"},
		{VIRTIO_ID_FS, "virtio-user-fs"},
		{VIRTIO_ID_PMEM, "virtio-pmem"},
		{VIRTIO_ID_RPMB, "virtio-rpmb"},
		{VIRTIO_ID_SCMI, "virtio-scmi"},
		{VIRTIO_ID_I2C_ADAPTER, "vhost-user-i2c"},
		{VIRTIO_ID_BT, "virtio-bluetooth"},
		{VIRTIO_ID_GPIO, "virtio-gpio"},
	};

	for (size_t i = 0; i < COUNT(types); i++)
		ck_assert_pstr_eq(vqi_device_type_name(types[i].id), types[i].name);
}
END_TEST

START_TEST(test_unknown_types)
{
	static const unsigned int ids[] = {0, 14, 15, 63, 64, 65535, UINT32_MAX};

	for (size_t i = 0; i < COUNT(ids); i++) {
		struct vqi_queue_role role = vqi_queue_role(ids[i], UINT64_MAX, 4, 0);

		ck_assert_pstr_eq(vqi_device_type_name(ids[i]), NULL);
		ck_assert_pstr_eq(role.role, NULL);
		ck_assert_uint_eq(role.kind, VQI_KIND_UNKNOWN);
	}
}
END_TEST

START_TEST(test_type_names_differ)
{
	for (unsigned int a = 0; a < 64; a++)
		for (unsigned int b = 0; b < a; b++)
			if (vqi_device_type_name(a) && vqi_device_type_name(b))
				ck_assert_str_ne(vqi_device_type_name(a), vqi_device_type_name(b));
}
END_TEST

START_TEST(test_status_names)
{
	static const struct {
		unsigned int value;
		const char *name;
	} bits[] = {
		{VIRTIO_CONFIG_S_ACKNOWLEDGE, "ACKNOWLEDGE"},
		{VIRTIO_CONFIG_S_DRIVER, "DRIVER"},
		{VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK"},
		{VIRTIO_CONFIG_S_FEATURES_OK, "FEATURES_OK"},
		{VIRTIO_CONFIG_S_NEEDS_RESET, "DEVICE_NEEDS_RESET"},
		{VIRTIO_CONFIG_S_FAILED, "FAILED"},
	};
	unsigned int named = 0;

	for (size_t i = 0; i < COUNT(bits); i++)
		ck_assert_pstr_eq(vqi_status_name((unsigned int)__builtin_ctz(bits[i].value)),
				  bits[i].name);
	for (unsigned int bit = 0; bit < 40; bit++)
		named += vqi_status_name(bit) != NULL;
	ck_assert_uint_eq(named, COUNT(bits));
}
END_TEST

#define HAS(id, feature) ck_assert_pstr_eq(vqi_feature_name(id, feature), #feature)

START_TEST(test_features_of_every_device)
{
	for (unsigned int id = 0; id < 50; id++) {
		HAS(id, VIRTIO_F_NOTIFY_ON_EMPTY);
		HAS(id, VIRTIO_F_ANY_LAYOUT);
		HAS(id, VIRTIO_RING_F_INDIRECT_DESC);
		HAS(id, VIRTIO_RING_F_EVENT_IDX);
		HAS(id, VIRTIO_F_VERSION_1);
		HAS(id, VIRTIO_F_ACCESS_PLATFORM);
		HAS(id, VIRTIO_F_RING_PACKED);
		HAS(id, VIRTIO_F_IN_ORDER);
		HAS(id, VIRTIO_F_ORDER_PLATFORM);
		HAS(id, VIRTIO_F_SR_IOV);
		HAS(id, VIRTIO_F_RING_RESET);
	}
}
END_TEST

START_TEST(test_net_features)
{
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CSUM);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GUEST_CSUM);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_MTU);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_MAC);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GSO);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GUEST_TSO4);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GUEST_TSO6);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GUEST_ECN);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GUEST_UFO);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_HOST_TSO4);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_HOST_TSO6);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_HOST_ECN);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_HOST_UFO);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_MRG_RXBUF);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_STATUS);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CTRL_VQ);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CTRL_RX);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CTRL_VLAN);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CTRL_RX_EXTRA);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_GUEST_ANNOUNCE);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_MQ);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_CTRL_MAC_ADDR);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_NOTF_COAL);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_HASH_REPORT);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_RSS);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_RSC_EXT);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_STANDBY);
	HAS(VIRTIO_ID_NET, VIRTIO_NET_F_SPEED_DUPLEX);
	ck_assert_pstr_eq(vqi_feature_name(VIRTIO_ID_NET, 4), NULL);
}
END_TEST

START_TEST(test_storage_features)
{
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_BARRIER);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SIZE_MAX);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SEG_MAX);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_GEOMETRY);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_RO);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_BLK_SIZE);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SCSI);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_FLUSH);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_TOPOLOGY);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_CONFIG_WCE);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_MQ);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_DISCARD);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_WRITE_ZEROES);
	HAS(VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SECURE_ERASE);
	HAS(VIRTIO_ID_SCSI, VIRTIO_SCSI_F_INOUT);
	HAS(VIRTIO_ID_SCSI, VIRTIO_SCSI_F_HOTPLUG);
	HAS(VIRTIO_ID_SCSI, VIRTIO_SCSI_F_CHANGE);
	HAS(VIRTIO_ID_SCSI, VIRTIO_SCSI_F_T10_PI);
}
END_TEST

START_TEST(test_other_features)
{
	HAS(VIRTIO_ID_CONSOLE, VIRTIO_CONSOLE_F_SIZE);
	HAS(VIRTIO_ID_CONSOLE, VIRTIO_CONSOLE_F_MULTIPORT);
	HAS(VIRTIO_ID_CONSOLE, VIRTIO_CONSOLE_F_EMERG_WRITE);
	HAS(VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_MUST_TELL_HOST);
	HAS(VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_STATS_VQ);
	HAS(VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	HAS(VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
	HAS(VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_PAGE_POISON);
	HAS(VIRTIO_ID_BALLOON, VIRTIO_BALLOON_F_REPORTING);
	HAS(VIRTIO_ID_GPU, VIRTIO_GPU_F_VIRGL);
	HAS(VIRTIO_ID_GPU, VIRTIO_GPU_F_EDID);
	HAS(VIRTIO_ID_GPU, VIRTIO_GPU_F_RESOURCE_UUID);
	HAS(VIRTIO_ID_GPU, VIRTIO_GPU_F_RESOURCE_BLOB);
	HAS(VIRTIO_ID_GPU, VIRTIO_GPU_F_CONTEXT_INIT);
	HAS(VIRTIO_ID_VSOCK, VIRTIO_VSOCK_F_SEQPACKET);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_INPUT_RANGE);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_DOMAIN_RANGE);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_MAP_UNMAP);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_BYPASS);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_PROBE);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_MMIO);
	HAS(VIRTIO_ID_IOMMU, VIRTIO_IOMMU_F_BYPASS_CONFIG);
	HAS(VIRTIO_ID_MEM, VIRTIO_MEM_F_ACPI_PXM);
	HAS(VIRTIO_ID_MEM, VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE);
	HAS(VIRTIO_ID_SCMI, VIRTIO_SCMI_F_P2A_CHANNELS);
	HAS(VIRTIO_ID_SCMI, VIRTIO_SCMI_F_SHARED_MEMORY);
	HAS(VIRTIO_ID_I2C_ADAPTER, VIRTIO_I2C_F_ZERO_LENGTH_REQUEST);
	HAS(VIRTIO_ID_BT, VIRTIO_BT_F_VND_HCI);
	HAS(VIRTIO_ID_BT, VIRTIO_BT_F_MSFT_EXT);
	HAS(VIRTIO_ID_BT, VIRTIO_BT_F_AOSP_EXT);
	HAS(VIRTIO_ID_GPIO, VIRTIO_GPIO_F_IRQ);
}
END_TEST

/* A name belongs to one bit, and says which device it is of. */
START_TEST(test_feature_names_differ)
{
	for (unsigned int id = 0; id < 64; id++) {
		for (unsigned int a = 0; a < 64; a++) {
			const char *name = vqi_feature_name(id, a);

			if (!name)
				continue;
			ck_assert(strncmp(name, "VIRTIO_", 7) == 0);
			for (unsigned int b = 0; b < a; b++)
				if (vqi_feature_name(id, b))
					ck_assert_str_ne(name, vqi_feature_name(id, b));
		}
	}
	ck_assert_pstr_eq(vqi_feature_name(VIRTIO_ID_BLOCK, 64), NULL);
	ck_assert_pstr_eq(vqi_feature_name(VIRTIO_ID_BLOCK, UINT32_MAX), NULL);
	ck_assert_pstr_eq(vqi_feature_name(UINT32_MAX, 0), NULL);
}
END_TEST

/* Checks the roles of all queues of a device; kinds are written as q, s, r and ?. */
static void check_roles(unsigned int device_id, uint64_t features, const char *kinds,
			const char *const *roles)
{
	static const char letters[] = {
		[VQI_KIND_UNKNOWN] = '?',
		[VQI_KIND_REQUEST] = 'q',
		[VQI_KIND_SEND] = 's',
		[VQI_KIND_RECEIVE] = 'r',
	};
	unsigned int count = (unsigned int)strlen(kinds);

	for (unsigned int i = 0; i < count; i++) {
		struct vqi_queue_role role = vqi_queue_role(device_id, features, count, i);

		ck_assert_pstr_eq(role.role, roles[i]);
		ck_assert_int_eq(letters[role.kind], kinds[i]);
	}
	ck_assert_pstr_eq(vqi_queue_role(device_id, features, count, count).role, NULL);
}

#define ROLES(device_id, features, kinds, ...)                                                     \
	check_roles(device_id, features, kinds, (const char *const[]){__VA_ARGS__})
#define BIT(number) (UINT64_C(1) << (number))

START_TEST(test_net_roles)
{
	uint64_t ctrl = BIT(VIRTIO_NET_F_CTRL_VQ), mq = ctrl | BIT(VIRTIO_NET_F_MQ);

	ROLES(VIRTIO_ID_NET, ctrl, "rss", "rx", "tx", "control");
	ROLES(VIRTIO_ID_NET, mq, "rsrss", "rx", "tx", "rx", "tx", "control");
	/* QEMU has the queue even when the driver does not take it. */
	ROLES(VIRTIO_ID_NET, 0, "rss", "rx", "tx", "control");
	/* A device without a control queue. */
	ROLES(VIRTIO_ID_NET, 0, "rs", "rx", "tx");
}
END_TEST

START_TEST(test_serial_roles)
{
	struct vqi_queue_role last;

	ROLES(VIRTIO_ID_CONSOLE, 0, "rsrs", "port0-rx", "port0-tx", "control-rx", "control-tx");
	ROLES(VIRTIO_ID_CONSOLE, BIT(VIRTIO_CONSOLE_F_MULTIPORT), "rsrsrsrs", "port0-rx",
	      "port0-tx", "control-rx", "control-tx", "port1-rx", "port1-tx", "port2-rx",
	      "port2-tx");
	ck_assert_str_eq(vqi_queue_role(VIRTIO_ID_CONSOLE, 0, 64, 62).role, "port30-rx");
	ck_assert_str_eq(vqi_queue_role(VIRTIO_ID_CONSOLE, 0, 64, 63).role, "port30-tx");
	ck_assert_str_eq(vqi_queue_role(VIRTIO_ID_CONSOLE, 0, 1024, 64).role, "port-rx");
	last = vqi_queue_role(VIRTIO_ID_CONSOLE, 0, 1024, 1023);
	ck_assert_str_eq(last.role, "port-tx");
	ck_assert_uint_eq(last.kind, VQI_KIND_SEND);
}
END_TEST

START_TEST(test_balloon_roles)
{
	uint64_t hint = BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT);
	uint64_t reporting = BIT(VIRTIO_BALLOON_F_REPORTING);

	ROLES(VIRTIO_ID_BALLOON, 0, "qqr", "inflate", "deflate", "stats");
	ROLES(VIRTIO_ID_BALLOON, hint, "qqrr", "inflate", "deflate", "stats", "free-page");
	ROLES(VIRTIO_ID_BALLOON, reporting, "qqrq", "inflate", "deflate", "stats", "reporting");
	ROLES(VIRTIO_ID_BALLOON, 0, "qqr?", "inflate", "deflate", "stats", NULL);
	ROLES(VIRTIO_ID_BALLOON, hint | reporting, "qqrrq", "inflate", "deflate", "stats",
	      "free-page", "reporting");
	/* Offered both and took one: the other queue is there all the same. */
	ROLES(VIRTIO_ID_BALLOON, reporting, "qqrrq", "inflate", "deflate", "stats", "free-page",
	      "reporting");
}
END_TEST

START_TEST(test_roles_that_repeat)
{
	ROLES(VIRTIO_ID_BLOCK, 0, "qqq", "request", "request", "request");
	ROLES(VIRTIO_ID_SCSI, 0, "qrqq", "control", "event", "request", "request");
	ROLES(VIRTIO_ID_CRYPTO, 0, "qs", "data", "control");
	ROLES(VIRTIO_ID_CRYPTO, 0, "qqs", "data", "data", "control");
	ROLES(VIRTIO_ID_FS, 0, "qqq", "hiprio", "request", "request");
	ROLES(VIRTIO_ID_FS, BIT(0), "qrq", "hiprio", "notification", "request");
}
END_TEST

START_TEST(test_fixed_roles)
{
	ROLES(VIRTIO_ID_RNG, 0, "r", "request");
	ROLES(VIRTIO_ID_9P, 0, "q", "request");
	ROLES(VIRTIO_ID_GPU, 0, "qq", "control", "cursor");
	ROLES(VIRTIO_ID_INPUT, 0, "rs", "event", "status");
	ROLES(VIRTIO_ID_VSOCK, 0, "rsr", "rx", "tx", "event");
	ROLES(VIRTIO_ID_IOMMU, 0, "sr", "request", "event");
	ROLES(VIRTIO_ID_MEM, 0, "q", "guest-request");
	ROLES(VIRTIO_ID_SOUND, 0, "qrrr", "control", "event", "tx", "rx");
	ROLES(VIRTIO_ID_PMEM, 0, "q", "request");
	ROLES(VIRTIO_ID_RPMB, 0, "q", "request");
	ROLES(VIRTIO_ID_SCMI, 0, "qr", "command", "event");
	ROLES(VIRTIO_ID_I2C_ADAPTER, 0, "q", "request");
	ROLES(VIRTIO_ID_BT, 0, "sr", "tx", "rx");
	ROLES(VIRTIO_ID_GPIO, 0, "qr", "request", "event");
	/* More queues than the specification gives it. */
	ROLES(VIRTIO_ID_VSOCK, 0, "rsr?", "rx", "tx", "event", NULL);
	/* All four places of the table. */
	ROLES(VIRTIO_ID_SOUND, 0, "qrrr?", "control", "event", "tx", "rx", NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("names");

	tcase_add_test(tcase, test_type_names);
	tcase_add_test(tcase, test_unknown_types);
	tcase_add_test(tcase, test_type_names_differ);
	tcase_add_test(tcase, test_status_names);
	tcase_add_test(tcase, test_features_of_every_device);
	tcase_add_test(tcase, test_net_features);
	tcase_add_test(tcase, test_storage_features);
	tcase_add_test(tcase, test_other_features);
	tcase_add_test(tcase, test_feature_names_differ);
	tcase_add_test(tcase, test_net_roles);
	tcase_add_test(tcase, test_serial_roles);
	tcase_add_test(tcase, test_balloon_roles);
	tcase_add_test(tcase, test_roles_that_repeat);
	tcase_add_test(tcase, test_fixed_roles);
	return unit_run("names", tcase);
}
