"""A split virtqueue in the memory of a real QEMU, seen by the driver, which keeps the truth itself. VirtIO 1.2, 2.7."""

import struct
from collections import namedtuple

Buffer = namedtuple("Buffer", "address length writable")

NEXT, WRITE, INDIRECT = 1, 2, 4
NO_INTERRUPT = NO_NOTIFY = 1

PAGE = 4096


def u16(number):
    return number & 0xFFFF


def need_event(event, new, old):
    """Whether the other side, which moved from old to new, was asked to tell. VirtIO 1.2, 2.7.7.2."""
    return u16(new - event - 1) < u16(new - old)


def patch(bus, address, layout, *values):
    """Change those fields of a structure in guest memory that have a value here."""
    offset = 0
    for kind, value in zip(layout, values):
        if value is not None:
            bus.write(address + offset, struct.pack(f"<{kind}", value))
        offset += struct.calcsize(f"<{kind}")


class Mirror:
    """What the driver wrote to a piece of guest memory, and writes there in one go at flush()."""

    def __init__(self, bus, address, size):
        self.bus = bus
        self.address = address
        self.bytes = bytearray(size)
        self._dirty = None

    def put(self, offset, data):
        end = offset + len(data)
        self.bytes[offset:end] = data
        low, high = self._dirty or (offset, end)
        self._dirty = min(low, offset), max(high, end)

    def flush(self):
        if self._dirty:
            low, high = self._dirty
            self.bus.write(self.address + low, bytes(self.bytes[low:high]))
            self._dirty = None


class SplitRing:
    """The driver's side of one queue.

    What JSON calls avail_idx is `avail_idx`, used_event is `used_event`; `reaped` is what the driver has consumed, which no
    device can see.
    """

    packed = False

    def __init__(self, bus, num, event_idx):
        self.bus = bus
        self.num = num
        self.event_idx = event_idx
        self.notify = None  # set by the driver

        # The one block of the old layout suits the new one too.
        self.desc = bus.allocate(16 * num + 6 + 2 * num, PAGE)
        self.avail = self.desc + 16 * num
        self.used = bus.allocate(6 + 8 * num, PAGE)

        self._descriptors = Mirror(bus, self.desc, 16 * num)
        self._slots = Mirror(bus, self.avail + 4, 2 * num)
        self._free = list(range(num))
        self._chains = {}
        self._added = 0
        self.avail_idx = 0
        self.published_before = 0
        self.reaped = 0
        self.used_event = 0
        self.interrupts = True

    # Making buffers available.

    def add(self, *buffers):
        """Put a chain of buffers into the next slot, where no device looks before publish(); its head."""
        assert len(buffers) <= len(self._free), "the ring is full"
        chain = [self._free.pop(0) for _ in buffers]
        for number, buffer, following in zip(chain, buffers, [*chain[1:], None]):
            self._describe(number, buffer, following)
        self.add_head(chain[0])
        self._chains[chain[0]] = chain
        return chain[0]

    def _describe(self, number, buffer, following):
        flags = (WRITE if buffer.writable else 0) | (NEXT if following is not None else 0)
        entry = struct.pack("<QLHH", buffer.address, buffer.length, flags, following or 0)
        self._descriptors.put(16 * number, entry)

    def add_head(self, head):
        """Put any number into the next slot, be it nonsense."""
        self._slots.put(2 * (self._added % self.num), struct.pack("<H", head))
        self._added = u16(self._added + 1)

    def publish(self):
        """Show the device what was added. It is not told: that is kick()."""
        self._descriptors.flush()
        self._slots.flush()
        self.set_avail_idx(self._added)

    def set_avail_idx(self, value):
        """Publish any index, be it nonsense."""
        self.published_before = self.avail_idx
        self.avail_idx = u16(value)
        self.bus.writew(self.avail + 2, self.avail_idx)

    def chain_of(self, head):
        """Its descriptors."""
        return self._chains[head]

    def patch(self, number, address=None, length=None, flags=None, following=None):
        """Change a descriptor that is published, or what is to be one."""
        patch(self.bus, self.desc + 16 * number, "QLHH", address, length, flags, following)

    def kick(self):
        self.notify()

    @property
    def kick_due(self):
        """Whether the device wanted to be told of the last publish()."""
        if self.event_idx:
            return need_event(self.avail_event(), self.avail_idx, self.published_before)
        return not self.used_flags() & NO_NOTIFY

    # Taking used buffers back.

    def used_idx(self):
        return self.bus.readw(self.used + 2)

    def used_flags(self):
        return self.bus.readw(self.used)

    def set_used_flags(self, value):
        """What the device writes there."""
        self.bus.writew(self.used, value)

    @property
    def avail_event_address(self):
        return self.used + 4 + 8 * self.num

    def avail_event(self):
        return self.bus.readw(self.avail_event_address)

    def unreaped(self):
        return u16(self.used_idx() - self.reaped)

    def wait_used(self, count=1, timeout=30):
        """Until at least so many completions wait to be reaped."""
        self.bus.wait(lambda: self.unreaped() >= count, f"{count} requests are done", timeout)

    def reap(self):
        """[(head, bytes written)] of all that is done. Asks for the next interrupt, as Linux does, unless they are off."""
        count = self.unreaped()
        entries = self.bus.read(self.used + 4, 8 * self.num) if count else b""
        done = []
        for _ in range(count):
            head, length = struct.unpack_from("<LL", entries, 8 * (self.reaped % self.num))
            self._free += self._chains.pop(head)
            self.reaped = u16(self.reaped + 1)
            done.append((head, length))
        if self.interrupts:
            self.set_used_event(self.reaped)
        return done

    def set_used_event(self, value):
        """Ask for an interrupt when the entry of that index is used."""
        self.used_event = u16(value)
        if self.event_idx:
            self.bus.writew(self.avail + 4 + 2 * self.num, self.used_event)

    def disable_interrupts(self):
        """As Linux since 5.14 does it."""
        self.interrupts = False
        if self.event_idx:
            self.set_used_event(0)
        else:
            self.bus.writew(self.avail, NO_INTERRUPT)

    # The truth.

    def mark(self):
        """Where the driver stands: what a device has reached that has seen, taken or used everything."""
        return self.avail_idx

    def truth(self, taken=None, seen=None, used=None):
        """What a report must say of this ring: {name in JSON: value}.

        How far the device has come is for the test to know, in marks; unless told, it has done all there was.
        """
        taken, seen, used = (self.avail_idx if mark is None else mark for mark in (taken, seen, used))
        truth = {
            "ring": "split",
            "num": self.num,
            "vring": {"desc": self.desc, "avail": self.avail, "used": self.used},
            "avail_idx": self.avail_idx,
            "shadow_avail_idx": seen,
            "last_avail_idx": taken,
            "used_idx": used,
            "used_ring_idx": used,
            "used_event": self.used_event if self.event_idx else None,
            "avail_event": self.avail_event() if self.event_idx else None,
            "inuse": u16(taken - used),
            "unseen": u16(self.avail_idx - seen),
            "in_flight": u16(taken - used),
        }
        if not self.event_idx or self.interrupts:
            truth["unreaped"] = u16(used - self.used_event) if self.event_idx else None
        return truth
