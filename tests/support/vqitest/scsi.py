"""Requests to a disk on a virtio-scsi device. VirtIO 1.2, 5.6.6."""

import struct

from .ring import Buffer

TEST_UNIT_READY, WRITE_10 = 0x00, 0x2A
CDB_SIZE, RESPONSE_SIZE = 32, 108
BLOCK = 512


class ScsiDisk:
    """LUN 0 of a target, by the first request queue."""

    def __init__(self, driver, target):
        self.bus = driver.bus
        self.ring = driver.rings[2]
        self.target = target
        self._data = self.bus.allocate(BLOCK, BLOCK)

    def _add(self, command, *data):
        header = self.bus.allocate(19 + CDB_SIZE)
        lun = bytes([1, self.target, 0x40, 0, 0, 0, 0, 0])
        self.bus.write(header, lun + struct.pack("<QBBB", 1, 0, 0, 0) + command.ljust(CDB_SIZE, b"\0"))
        response = self.bus.allocate(RESPONSE_SIZE)
        self.ring.add(Buffer(header, 19 + CDB_SIZE, False), *data, Buffer(response, RESPONSE_SIZE, True))
        return response

    def make_ready(self):
        """A disk that was switched on says so once, and fails the command for it."""
        for _ in range(2):
            response = self._add(bytes([TEST_UNIT_READY]))
            self.ring.publish()
            self.ring.kick()
            self.ring.wait_used(1)
            self.ring.reap()
        assert self.bus.readb(response + 10) == self.bus.readb(response + 11) == 0, "the disk is not ready"

    def write(self, block):
        """publish() and kick() are up to the caller."""
        self._add(struct.pack(">BBLBHB", WRITE_10, 0, block, 0, 1, 0), Buffer(self._data, BLOCK, False))
