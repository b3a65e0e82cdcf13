"""How a driver reaches a virtio device: the registers of virtio-mmio, old and new, and of virtio-pci. VirtIO 1.2, 4."""

import functools

from .pci import CAPABILITY_VENDOR, Msix

# Status bits. VirtIO 1.2, 2.1.
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128

NO_VECTOR = 0xFFFF


class Mmio:
    """virtio-mmio as of VirtIO 1: 4.2.2."""

    legacy = False
    slots = 8  # of a microvm machine
    base = 0xFEB00000
    stride = 512

    MAGIC = 0x74726976
    VERSION = 2

    def __init__(self, bus, slot):
        self.bus = bus
        self.slot = slot
        self.start = self.base + self.stride * slot
        assert self._get(0x000) == self.MAGIC
        assert self._get(0x004) == self.VERSION, "see force-legacy"

    @property
    def address(self):
        return f"{self.start:#x}"

    @property
    def device_id(self):
        return self._get(0x008)

    def _get(self, offset):
        return self.bus.readl(self.start + offset)

    def _set(self, offset, value):
        self.bus.writel(self.start + offset, value)

    @property
    def status(self):
        return self._get(0x070)

    @status.setter
    def status(self, value):
        self._set(0x070, value)

    def device_features(self):
        features = 0
        for word in (0, 1):
            self._set(0x014, word)
            features |= self._get(0x010) << 32 * word
        return features

    def set_driver_features(self, features):
        for word in (0, 1):
            self._set(0x024, word)
            self._set(0x020, features >> 32 * word & 0xFFFFFFFF)

    def queue_num_max(self, index):
        self._set(0x030, index)
        return self._get(0x034)

    def set_up_queue(self, index, ring, vector=NO_VECTOR):
        assert vector == NO_VECTOR, "there is but one interrupt"
        self._set(0x030, index)
        self._set(0x038, ring.num)
        for offset, value in ((0x080, ring.desc), (0x090, ring.avail), (0x0A0, ring.used)):
            self._set(offset, value & 0xFFFFFFFF)
            self._set(offset + 4, value >> 32)
        self._set(0x044, 1)

    def notify(self, index):
        self._set(0x050, index)

    def interrupt_status(self):
        """Reading does not clear it."""
        return self._get(0x060)

    def acknowledge_interrupt(self):
        self._set(0x064, self._get(0x060))


class LegacyMmio(Mmio):
    """virtio-mmio before VirtIO 1, which is what QEMU does unless told otherwise: 4.2.4."""

    legacy = True
    VERSION = 1
    PAGE = 4096

    def device_features(self):
        self._set(0x014, 0)
        return self._get(0x010)

    def set_driver_features(self, features):
        self._set(0x024, 0)
        self._set(0x020, features & 0xFFFFFFFF)

    def set_up_queue(self, index, ring, vector=NO_VECTOR):
        assert vector == NO_VECTOR, "there is but one interrupt"
        assert ring.avail == ring.desc + 16 * ring.num and ring.used % self.PAGE == 0, "the old layout is one block"
        self._set(0x028, self.PAGE)
        self._set(0x030, index)
        self._set(0x038, ring.num)
        self._set(0x03C, self.PAGE)
        self._set(0x040, ring.desc // self.PAGE)


class Pci:
    """virtio-pci as of VirtIO 1: 4.1.4."""

    legacy = False
    COMMON, NOTIFY, ISR, DEVICE = 1, 2, 3, 4

    def __init__(self, device):
        self.device = device
        self.bus = device.bus
        self._regions = {}
        for kind, offset in device.capabilities():
            if kind == CAPABILITY_VENDOR:
                self._read_capability(offset)
        self.common = self._regions[self.COMMON]
        self._notify_offsets = {}

    def _read_capability(self, offset):
        kind = self.device.readb(offset + 3)
        bar = self.device.readb(offset + 4)
        if kind not in self._regions and bar in self.device.bars:
            self._regions[kind] = self.device.bars[bar] + self.device.readl(offset + 8)
            if kind == self.NOTIFY:
                self._notify_multiplier = self.device.readl(offset + 16)

    @property
    def address(self):
        return self.device.address

    @property
    def device_id(self):
        number = self.device.readw(2)
        # A transitional device has a number of its own kind, and the virtio one as its subsystem.
        return number - 0x1040 if number >= 0x1040 else self.device.readw(0x2E)

    @functools.cached_property
    def msix(self):
        return Msix(self.device)

    @property
    def status(self):
        return self.bus.readb(self.common + 20)

    @status.setter
    def status(self, value):
        self.bus.writeb(self.common + 20, value)

    def device_features(self):
        features = 0
        for word in (0, 1):
            self.bus.writel(self.common + 0, word)
            features |= self.bus.readl(self.common + 4) << 32 * word
        return features

    def set_driver_features(self, features):
        for word in (0, 1):
            self.bus.writel(self.common + 8, word)
            self.bus.writel(self.common + 12, features >> 32 * word & 0xFFFFFFFF)

    def queue_num_max(self, index):
        self.bus.writew(self.common + 22, index)
        return self.bus.readw(self.common + 24)

    def set_up_queue(self, index, ring, vector=NO_VECTOR):
        self.bus.writew(self.common + 22, index)
        self.bus.writew(self.common + 24, ring.num)
        self.bus.writew(self.common + 26, vector)
        assert self.bus.readw(self.common + 26) == vector, "no such vector"
        self._notify_offsets[index] = self.bus.readw(self.common + 30) * self._notify_multiplier
        for offset, value in ((32, ring.desc), (40, ring.avail), (48, ring.used)):
            self.bus.writel(self.common + offset, value & 0xFFFFFFFF)
            self.bus.writel(self.common + offset + 4, value >> 32)
        self.bus.writew(self.common + 28, 1)

    def notify(self, index):
        self.bus.writew(self._regions[self.NOTIFY] + self._notify_offsets[index], index)

    def interrupt_status(self):
        """Reading clears it."""
        return self.bus.readb(self._regions[self.ISR])

    def acknowledge_interrupt(self):
        self.interrupt_status()
