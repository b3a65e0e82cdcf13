"""Guest memory, registers and ports of a QEMU that runs under -accel qtest.

    bus = Bus(vm.qtest)
    page = bus.allocate(4096)
    bus.write(page, b"hello")
    bus.writel(register, 1)

Every call is one command to QEMU's main loop: when it returns, the access has happened, and so has what the main loop did
before it. That makes a read of guest memory a way to wait without sleeping.
"""

import struct
import time

# Where a test may put its rings and buffers: guest RAM of its own, away from what firmware and ROMs use.
MEMORY_START = 16 << 20


class Bus:
    """The address space of the guest's first processor."""

    def __init__(self, qtest, memory_end=256 << 20):
        self.qtest = qtest
        self._next = MEMORY_START
        self._end = memory_end

    def allocate(self, size, align=64):
        """An address in guest RAM which nobody else uses; RAM of a guest that never ran is zero."""
        address = (self._next + align - 1) & -align
        self._next = address + size
        assert self._next <= self._end, "the guest needs more memory (-m)"
        return address

    def read(self, address, length):
        return self.qtest.read(address, length)

    def write(self, address, data):
        self.qtest.write(address, data)

    def _load(self, command, address):
        return int(self.qtest.command(f"{command} {address:#x}")[0], 16)

    def _store(self, command, address, value):
        self.qtest.command(f"{command} {address:#x} {value:#x}")

    def readb(self, address):
        return self._load("readb", address)

    def readw(self, address):
        return self._load("readw", address)

    def readl(self, address):
        return self._load("readl", address)

    def readq(self, address):
        return self._load("readq", address)

    def writeb(self, address, value):
        self._store("writeb", address, value)

    def writew(self, address, value):
        self._store("writew", address, value)

    def writel(self, address, value):
        self._store("writel", address, value)

    def writeq(self, address, value):
        self._store("writeq", address, value)

    def inb(self, port):
        return self._load("inb", port)

    def inw(self, port):
        return self._load("inw", port)

    def inl(self, port):
        return self._load("inl", port)

    def outb(self, port, value):
        self._store("outb", port, value)

    def outw(self, port, value):
        self._store("outw", port, value)

    def outl(self, port, value):
        self._store("outl", port, value)

    def clock_step(self, ns=None):
        """Let virtual time pass; it stands still otherwise, and with it every throttled request."""
        return self.qtest.clock_step(ns)

    def read_words(self, address, count):
        """Little-endian 16-bit words."""
        return struct.unpack(f"<{count}H", self.read(address, 2 * count))

    def wait(self, condition, what, timeout=30):
        """Ask until condition() is true and return its value. Each question lets QEMU's main loop run once."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain until {what}")
            self.readb(MEMORY_START)
        return value
