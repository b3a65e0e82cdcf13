"""What firmware does for PCI devices, done by the test: enumeration, base address registers, capabilities, MSI-X."""

import struct

CONFIG_ADDRESS = 0xCF8
CONFIG_DATA = 0xCFC

MEMORY_WINDOW = 0xE0000000
PORT_WINDOW = 0xC000

COMMAND = 0x04
COMMAND_IO, COMMAND_MEMORY, COMMAND_MASTER = 1, 2, 4
HEADER_TYPE = 0x0E
FIRST_BAR = 0x10
CAPABILITIES = 0x34
CAPABILITY_VENDOR = 0x09
CAPABILITY_MSIX = 0x11

VIRTIO_VENDOR = 0x1AF4
# The processor's local interrupt controller, where message-signalled interrupts go.
MSI_ADDRESS = 0xFEE00000


class PciHost:
    """Bus 0 of a pc or q35 machine."""

    def __init__(self, bus):
        self.bus = bus
        self._next_memory = MEMORY_WINDOW
        self._next_port = PORT_WINDOW

    def devices(self):
        """Every function on bus 0."""
        found = []
        for slot in range(32):
            for function in range(8):
                device = PciDevice(self, slot, function)
                if device.vendor != 0xFFFF:
                    found.append(device)
                if function == 0 and (device.vendor == 0xFFFF or not device.readb(HEADER_TYPE) & 0x80):
                    break
        return found

    def virtio_devices(self):
        """Every virtio function, with its registers mapped, in the order of addresses."""
        found = [device for device in self.devices() if device.vendor == VIRTIO_VENDOR]
        for device in found:
            device.enable()
        return found

    def place(self, size, is_port):
        """An address for a base address register of that size."""
        start = self._next_port if is_port else self._next_memory
        start = (start + size - 1) & -size
        if is_port:
            self._next_port = start + size
        else:
            self._next_memory = start + size
        return start


class PciDevice:
    def __init__(self, host, slot, function=0):
        self.host = host
        self.bus = host.bus
        self.slot = slot
        self.function = function
        self.bars = {}
        self.vendor = self.readw(0)

    @property
    def address(self):
        """As the kernel and QEMU write it."""
        return f"0000:00:{self.slot:02x}.{self.function}"

    def _select(self, offset):
        device = self.slot << 11 | self.function << 8
        self.bus.outl(CONFIG_ADDRESS, 1 << 31 | device | offset & ~3)
        return CONFIG_DATA + (offset & 3)

    def readb(self, offset):
        return self.bus.inb(self._select(offset))

    def readw(self, offset):
        return self.bus.inw(self._select(offset))

    def readl(self, offset):
        return self.bus.inl(self._select(offset))

    def writew(self, offset, value):
        self.bus.outw(self._select(offset), value)

    def writel(self, offset, value):
        self.bus.outl(self._select(offset), value)

    def enable(self):
        """Give every base address register an address, and let the device decode them and reach memory."""
        index = 0
        while index < 6:
            index += self._place_bar(index)
        self.decode()

    def decode(self, memory=True, ports=True, master=True):
        """What the device may do: answer to accesses of its registers, and access memory itself."""
        wanted = ((memory, COMMAND_MEMORY), (ports, COMMAND_IO), (master, COMMAND_MASTER))
        self.writew(COMMAND, sum(bit for is_wanted, bit in wanted if is_wanted))

    def _place_bar(self, index):
        """How many registers this one takes."""
        offset = FIRST_BAR + 4 * index
        self.writel(offset, 0xFFFFFFFF)
        mask = self.readl(offset)
        if mask == 0:
            return 1
        is_port = bool(mask & 1)
        is_wide = not is_port and mask & 6 == 4
        size = -(mask & (~3 if is_port else ~15)) & (0xFFFF if is_port else 0xFFFFFFFF)
        address = self.host.place(size, is_port)
        self.writel(offset, address)
        if is_wide:
            self.writel(offset + 4, 0)
        self.bars[index] = address
        return 2 if is_wide else 1

    def capabilities(self):
        """(id, offset) of each."""
        offset = self.readb(CAPABILITIES)
        while offset:
            yield self.readb(offset), offset
            offset = self.readb(offset + 1)

    def find_msix(self):
        return next((offset for kind, offset in self.capabilities() if kind == CAPABILITY_MSIX), None)


class Msix:
    """The interrupt vectors of a device. New ones are enabled and masked one by one, as the specification wants it."""

    FUNCTION_MASK, ENABLE = 1 << 14, 1 << 15

    def __init__(self, device):
        self.device = device
        self.bus = device.bus
        self.capability = device.find_msix()
        assert self.capability is not None, f"{device.address} has no MSI-X"
        self.count = (device.readw(self.capability + 2) & 0x7FF) + 1
        self.table = self._region(self.capability + 4)
        self.pending_bits = self._region(self.capability + 8)

    def _region(self, offset):
        value = self.device.readl(offset)
        return self.device.bars[value & 7] + (value & ~7)

    def enable(self):
        """All vectors go to the first processor, each with a number of its own, unmasked."""
        for vector in range(self.count):
            entry = struct.pack("<QLL", MSI_ADDRESS, 0x30 + vector, 0)
            for word in range(4):
                (value,) = struct.unpack_from("<L", entry, 4 * word)
                self.bus.writel(self.table + 16 * vector + 4 * word, value)
        self.device.writew(self.capability + 2, self.ENABLE)

    def mask(self, vector, masked=True):
        self.bus.writel(self.table + 16 * vector + 12, int(masked))

    def mask_all(self, masked=True):
        self.device.writew(self.capability + 2, self.ENABLE | (self.FUNCTION_MASK if masked else 0))

    def pending(self, vector):
        return bool(self.bus.readl(self.pending_bits + vector // 32 * 4) >> vector % 32 & 1)
