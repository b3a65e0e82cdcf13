/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci.h"

#include "machine.h"

#define CONFIG_ADDRESS	      0xCF8
#define CONFIG_DATA	      0xCFC

#define ID		      0x00
#define COMMAND		      0x04
#define COMMAND_MEMORY_MASTER 6
#define FIRST_BAR	      0x10
#define CAPABILITIES	      0x34
#define CAPABILITY_VENDOR     0x09
#define CAPABILITY_MSIX	      0x11

#define MODERN_BLK	      0x10421AF4

/* Where nobody else is: firmware begins at the other end of the window, or places nothing at all. */
#define WINDOW		   0xE0000000
#define WINDOW_STEP	   0x100000

#define MSIX_ENABLE	   (1U << 31)
#define MSIX_FUNCTION_MASK (1U << 30)

static uint32_t slot;
static uint32_t msix_capability;
static volatile uint32_t *msix_entry;
static volatile uint32_t *msix_pending_bits;

static uint32_t config_read(uint32_t offset)
{
	outl(CONFIG_ADDRESS, 1U << 31 | slot << 11 | (offset & ~3U));
	return inl(CONFIG_DATA) >> (offset & 3) * 8;
}

static uint8_t config_readb(uint32_t offset)
{
	return config_read(offset);
}

static void config_write(uint32_t offset, uint32_t value)
{
	outl(CONFIG_ADDRESS, 1U << 31 | slot << 11 | offset);
	outl(CONFIG_DATA, value);
}

/* Firmware may have done it, but perhaps where 32 bits do not reach. */
static void place_bars(void)
{
	config_write(COMMAND, 0);
	for (uint32_t bar = 0; bar < 6; bar++) {
		uint32_t place = FIRST_BAR + 4 * bar;
		uint32_t kind = config_read(place);

		if (kind & 1)
			continue;
		config_write(place, WINDOW + WINDOW_STEP * bar);
		if (kind & 4) {
			config_write(place + 4, 0);
			bar++;
		}
	}
	config_write(COMMAND, COMMAND_MEMORY_MASTER);
}

static uintptr_t region(uint32_t bar, uint32_t offset)
{
	return WINDOW + WINDOW_STEP * bar + offset;
}

static uint32_t next_capability(uint32_t offset)
{
	return config_readb(offset ? offset + 1 : CAPABILITIES);
}

static void find_msix(void)
{
	uint32_t offset = next_capability(0), table, pending;

	while (offset && config_readb(offset) != CAPABILITY_MSIX)
		offset = next_capability(offset);
	if (!offset)
		fail("the device has no MSI-X");
	table = config_read(offset + 4);
	pending = config_read(offset + 8);
	msix_capability = offset;
	msix_entry = reg(region(table & 7, table & ~7U) + 16 * VECTOR);
	msix_pending_bits = reg(region(pending & 7, pending & ~7U));
}

void find_disk(void)
{
	while (config_read(ID) != MODERN_BLK) {
		if (++slot == 32)
			fail("there is no virtio-blk device without a legacy interface");
	}
	place_bars();
	find_msix();
}

uintptr_t find_virtio(uint32_t type, uint32_t *ret_more)
{
	for (uint32_t offset = next_capability(0); offset; offset = next_capability(offset)) {
		if (config_readb(offset) == CAPABILITY_VENDOR && config_readb(offset + 3) == type) {
			*ret_more = config_read(offset + 16);
			return region(config_readb(offset + 4), config_read(offset + 8));
		}
	}
	return 0;
}

static void msix_control(uint32_t bits)
{
	config_write(msix_capability, (config_read(msix_capability) & 0xFFFF) | bits);
}

void msix_enable(void)
{
	msix_entry[0] = APIC;
	msix_entry[1] = 0;
	msix_entry[2] = INTERRUPT;
	msix_mask(false);
	msix_control(MSIX_ENABLE);
}

void msix_mask(bool masked)
{
	msix_entry[3] = masked;
}

void msix_mask_function(void)
{
	msix_control(MSIX_ENABLE | MSIX_FUNCTION_MASK);
}

void msix_wait_pending(void)
{
	while (!(*msix_pending_bits >> VECTOR & 1))
		asm volatile("pause");
}
