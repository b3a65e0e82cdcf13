"""A packed virtqueue in the memory of a real QEMU, seen by the driver, which keeps the truth itself. VirtIO 1.2, 2.8."""

import struct

from .ring import NEXT, PAGE, WRITE, patch

AVAIL, USED = 1 << 7, 1 << 15
ENABLE, DISABLE, DESC = 0, 1, 2


class Position:
    """A place in the ring and the lap, even or odd, in which it is passed."""

    def __init__(self, num, index=0, wrap=1):
        self.num = num
        self.index = index
        self.wrap = wrap

    def advance(self, count=1):
        self.index += count
        if self.index >= self.num:
            self.index -= self.num
            self.wrap ^= 1

    def copy(self):
        return Position(self.num, self.index, self.wrap)

    @property
    def off_wrap(self):
        return self.index | self.wrap << 15

    def __eq__(self, other):
        return (self.index, self.wrap) == (other.index, other.wrap)

    def __repr__(self):
        return f"{self.index}/{self.wrap}"

    def ahead_of(self, other):
        """How many descriptors this is ahead of the other, which it is by one lap at most."""
        distance = self.index - other.index
        return distance + self.num if self.wrap != other.wrap else distance


class PackedRing:
    """The driver's side of one queue. Everything counts descriptors, not requests, as QEMU does."""

    packed = True

    def __init__(self, bus, num, event_idx):
        self.bus = bus
        self.num = num
        self.event_idx = event_idx
        self.notify = None  # set by the driver

        self.desc = bus.allocate(16 * num, PAGE)
        self.avail = bus.allocate(4, PAGE)
        self.used = bus.allocate(4, PAGE)

        self._chains = {}
        self._free = list(range(num))
        self._pending = []
        self._next = Position(num)
        self.published = Position(num)
        self.published_before = Position(num)
        self.reaped = Position(num)
        self.driver_event = (0, ENABLE)
        self.interrupts = True
        self._used_descriptors = 0

    # Making buffers available.

    def add(self, *buffers):
        """Put a chain of buffers behind the last; the id that the device gives back. No device looks before publish()."""
        assert self._used_descriptors + len(buffers) <= self.num, "the ring is full"
        number = self._free.pop(0)
        for buffer in buffers:
            is_last = buffer is buffers[-1]
            flags = (WRITE if buffer.writable else 0) | (0 if is_last else NEXT)
            flags |= AVAIL if self._next.wrap else USED
            self._pending.append((self._next.copy(), buffer.address, buffer.length, number, flags))
            self._next.advance()
        self._chains[number] = len(buffers)
        self._used_descriptors += len(buffers)
        return number

    def publish(self):
        """Show the device what was added: the flags of the first descriptor last."""
        if not self._pending:
            return
        for start, entries in self._runs():
            self.bus.write(self.desc + 16 * start, b"".join(entries))
        position, *_, flags = self._pending[0]
        self.bus.writew(self.desc + 16 * position.index + 14, flags)
        self._pending.clear()
        self.published_before = self.published
        self.published = self._next.copy()

    def _runs(self):
        """[first index, entries] of descriptors that lie one behind the other; the very first is not available yet."""
        runs = []
        for position, address, length, number, flags in self._pending:
            if not runs:
                flags ^= AVAIL | USED
            entry = struct.pack("<QLHH", address, length, number, flags)
            if not runs or position.index == 0:
                runs.append((position.index, []))
            runs[-1][1].append(entry)
        return runs

    def chain_of(self, number):
        """The descriptors of a buffer that is to be published, or was just now, the last of all."""
        first = self._pending[0][0] if self._pending else self.published_before
        return [(first.index + place) % self.num for place in range(self._chains[number])]

    def patch(self, index, address=None, length=None, flags=None, number=None):
        """Change a descriptor that is published. The flags do not say whether it is available: that stays."""
        if flags is not None:
            (before,) = self.bus.read_words(self.desc + 16 * index + 14, 1)
            flags |= before & (AVAIL | USED)
        patch(self.bus, self.desc + 16 * index, "QLHH", address, length, number, flags)

    def kick(self):
        self.notify()

    @property
    def kick_due(self):
        """Whether the device wanted to be told of the last publish(). VirtIO 1.2, 2.8.10."""
        off_wrap, flags = self.device_event()
        if flags != DESC:
            return flags == ENABLE
        event = Position(self.num, off_wrap & 0x7FFF, off_wrap >> 15)
        return self.published_before.ahead_of(event) <= 0 < self.published.ahead_of(event)

    # Taking used buffers back.

    def device_event(self):
        return self.bus.read_words(self.used, 2)

    def set_device_event(self, off_wrap, flags):
        """What the device writes there."""
        self.bus.writew(self.used, off_wrap)
        self.bus.writew(self.used + 2, flags)

    def _is_used(self, flags, wrap):
        return bool(flags & AVAIL) == bool(flags & USED) == bool(wrap)

    def _done(self):
        """[(id, bytes written)] of what is used and not reaped, and where the next one will be."""
        at, done = self.reaped.copy(), []
        ring = self.bus.read(self.desc, 16 * self.num)
        while len(done) < len(self._chains):
            _, length, number, flags = struct.unpack_from("<QLHH", ring, 16 * at.index)
            if not self._is_used(flags, at.wrap):
                break
            done.append((number, length))
            at.advance(self._chains[number])
        return done, at

    def used_position(self):
        """Where the device will put the next used descriptor, as the ring shows it."""
        return self._done()[1]

    def wait_used(self, count=1, timeout=30):
        """Until at least so many completions wait to be reaped."""
        self.bus.wait(lambda: len(self._done()[0]) >= count, f"{count} requests are done", timeout)

    def reap(self):
        """[(id, bytes written)] of all that is done. Asks for the next interrupt, as Linux does, unless they are off."""
        done, self.reaped = self._done()
        for number, _ in done:
            self._used_descriptors -= self._chains.pop(number)
            self._free.append(number)
        if self.interrupts and self.event_idx:
            self.set_driver_event(self.reaped.off_wrap, DESC)
        return done

    def unreaped(self):
        """In descriptors."""
        return self.used_position().ahead_of(self.reaped)

    def set_driver_event(self, off_wrap, flags):
        """What interrupts the driver asks for."""
        self.driver_event = (off_wrap, flags)
        self.bus.writew(self.avail, off_wrap)
        self.bus.writew(self.avail + 2, flags)

    def disable_interrupts(self):
        self.interrupts = False
        self.set_driver_event(self.driver_event[0], DISABLE)

    # The truth.

    def mark(self):
        """Where the driver stands: what a device has reached that has seen, taken or used everything."""
        return self.published.copy()

    def truth(self, taken=None, seen=None, used=None):
        """What a report must say of this ring: {name in JSON: value}.

        How far the device has come is for the test to know, in marks; unless told, it has done all there was.
        """
        taken, seen, used = (mark or self.published for mark in (taken, seen or taken, used))
        truth = {
            "ring": "packed",
            "num": self.num,
            "vring": {"desc": self.desc, "avail": self.avail, "used": self.used},
            "avail_idx": self.published.index,
            "shadow_avail_idx": seen.index,
            "last_avail_idx": taken.index,
            "used_idx": used.index,
            "used_ring_idx": None,
            "inuse": taken.ahead_of(used),
            "unseen": self.published.ahead_of(seen),
            "in_flight": taken.ahead_of(used),
            "wrap": {
                "avail": self.published.wrap,
                "last_avail": taken.wrap,
                "shadow_avail": seen.wrap,
                "used": used.wrap,
                "driver": _event(*self.driver_event),
                "device": _event(*self.device_event()),
            },
        }
        off_wrap, flags = self.driver_event
        if flags == DESC:
            truth["unreaped"] = used.ahead_of(Position(self.num, off_wrap & 0x7FFF, off_wrap >> 15))
        return truth


def _event(off_wrap, flags):
    return {"off": off_wrap & 0x7FFF, "wrap": off_wrap >> 15, "flags": flags}
