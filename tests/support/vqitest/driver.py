"""The test as the driver of a virtio device. VirtIO 1.2, 3.1.

    driver = Driver(Mmio(bus, slot=0))
    driver.start(VERSION_1 | EVENT_IDX, queues={0: 128})
    disk = Disk(driver)
    disk.read(sector=0)
    driver.rings[0].publish()
    driver.rings[0].kick()
"""

import struct

from .packed import PackedRing
from .ring import Buffer, SplitRing
from .transport import ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NO_VECTOR

NOTIFY_ON_EMPTY = 1 << 24
INDIRECT_DESC = 1 << 28
EVENT_IDX = 1 << 29
VERSION_1 = 1 << 32
PACKED = 1 << 34

NET, BLOCK, CONSOLE, ENTROPY, BALLOON, SCSI = 1, 2, 3, 4, 5, 8


class Driver:
    def __init__(self, transport):
        self.transport = transport
        self.bus = transport.bus
        self.features = 0
        self.rings = {}

    def start(self, features, queues, vectors=None):
        """Bring the device up with exactly these features, and queues as {index: number of entries}.

        With vectors, {index of a queue: number}, MSI-X is enabled; queues which are not in there get none.
        """
        transport = self.transport
        transport.status = 0
        self.bus.wait(lambda: transport.status == 0, "the device is reset")
        transport.status = ACKNOWLEDGE
        transport.status = ACKNOWLEDGE | DRIVER
        offered = transport.device_features()
        assert features & ~offered == 0, f"the device does not offer {features & ~offered:#x}"
        self.features = features
        transport.set_driver_features(features)
        status = ACKNOWLEDGE | DRIVER
        if not transport.legacy:
            status |= FEATURES_OK
            transport.status = status
            assert transport.status & FEATURES_OK, "the device refuses the features"
        if vectors is not None:
            transport.msix.enable()
        for index, num in queues.items():
            vector = (vectors or {}).get(index, NO_VECTOR)
            self._set_up_queue(index, num, vector)
        transport.status = status | DRIVER_OK
        # The device looks at its queues once when it starts; be that past.
        self.bus.readb(self.bus.allocate(1))
        return self

    def _set_up_queue(self, index, num, vector):
        assert num <= self.transport.queue_num_max(index), f"queue {index} is not so large"
        kind = PackedRing if self.features & PACKED else SplitRing
        ring = kind(self.bus, num, bool(self.features & EVENT_IDX))
        ring.notify = lambda: self.transport.notify(index)
        self.transport.set_up_queue(index, ring, vector)
        self.rings[index] = ring

    @property
    def status(self):
        return self.transport.status

    def post_buffers(self, index, count, size):
        """Give the device so many buffers to fill, as on a receive queue; publish() and kick() are up to the caller."""
        for _ in range(count):
            self.rings[index].add(Buffer(self.bus.allocate(size), size, True))


class Disk:
    """Requests to a virtio-blk device. VirtIO 1.2, 5.2.6."""

    READ, WRITE, FLUSH = 0, 1, 4
    SECTOR = 512

    def __init__(self, driver, index=0):
        self.bus = driver.bus
        self.ring = driver.rings[index]
        self._memory = {}
        self._status_of = {}

    def _request(self, kind, sector, sectors):
        """The same buffers for the same request, so that thousands of them need little memory."""
        key = (kind, sector, sectors)
        if key not in self._memory:
            header = self.bus.allocate(16)
            self.bus.write(header, struct.pack("<LLQ", kind, 0, sector))
            data = self.bus.allocate(max(sectors, 1) * self.SECTOR, self.SECTOR)
            self._memory[key] = header, data, self.bus.allocate(1)
        return self._memory[key]

    def _add(self, kind, sector=0, sectors=0):
        header, data, status = self._request(kind, sector, sectors)
        buffers = [Buffer(header, 16, False)]
        if sectors:
            buffers.append(Buffer(data, sectors * self.SECTOR, kind == self.READ))
        buffers.append(Buffer(status, 1, True))
        head = self.ring.add(*buffers)
        self._status_of[head] = status
        return head

    def read(self, sector=0, sectors=1):
        return self._add(self.READ, sector, sectors)

    def write(self, sector=0, sectors=1):
        return self._add(self.WRITE, sector, sectors)

    def flush(self):
        """The shortest request: two descriptors."""
        return self._add(self.FLUSH)

    def submit(self, count=1, kind="read"):
        """Add, publish and kick."""
        heads = [getattr(self, kind)() for _ in range(count)]
        self.ring.publish()
        self.ring.kick()
        return heads

    def complete(self, count, batch=None, kind="flush"):
        """So many requests from beginning to end."""
        batch = batch or max(1, self.ring.num // (3 if kind != "flush" else 2))
        while count:
            step = min(batch, count)
            self.submit(step, kind)
            self.ring.wait_used(step)
            heads = [head for head, _ in self.ring.reap()]
            # They share the status byte.
            assert self.status(heads[-1]) == 0, "the request failed"
            count -= step

    def status(self, head):
        """0 is success."""
        return self.bus.readb(self._status_of[head])
