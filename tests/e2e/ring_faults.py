"""What a driver can put into a ring against the rules: each function publishes one such thing and kicks nobody.

It gives back where that is, as the report must say: the chain's head, the descriptor in its table, that one's address and
length; None for what there is not.
"""

import struct
from collections import namedtuple

from vqitest.ring import INDIRECT, NEXT, WRITE, Buffer

Place = namedtuple("Place", "head descriptor gpa len", defaults=(None, None, None))
Fault = namedtuple("Fault", "make word sentence")

NOWHERE = 1 << 40  # no guest here has so much RAM


def read(disk):
    """A request of three descriptors: (the ring, the chain's head, its descriptors)."""
    head = disk.read()
    disk.ring.publish()
    chain = disk.ring.chain_of(head)
    return disk.ring, chain[0], chain


def address_of(ring, number):
    return ring.bus.readq(ring.desc + 16 * number)


def avail_ahead(disk):
    disk.ring.set_avail_idx(disk.ring.avail_idx + disk.ring.num + 1)


def bad_head(disk):
    disk.ring.add_head(disk.ring.num)
    disk.ring.publish()
    return Place(disk.ring.num)


def loop(disk):
    """The last descriptor leads back to the second."""
    ring, head, chain = read(disk)
    ring.patch(chain[2], flags=WRITE | NEXT, following=chain[1])
    return Place(head, chain[1], address_of(ring, chain[1]), disk.SECTOR)


def bad_next(disk):
    ring, head, chain = read(disk)
    ring.patch(chain[1], following=ring.num)
    return Place(head, chain[1], address_of(ring, chain[1]), disk.SECTOR)


def zero_size(disk):
    ring, head, chain = read(disk)
    ring.patch(chain[1], length=0)
    return Place(head, chain[1], address_of(ring, chain[1]), 0)


def bad_order(disk):
    """The header, which is to be read, comes after what is to be written."""
    memory = disk.bus.allocate(512, 512)
    head = disk.ring.add(Buffer(memory, 512, True), Buffer(memory, 16, False))
    chain = disk.ring.chain_of(head)
    disk.ring.publish()
    return Place(chain[0], chain[1], memory, 16)


def bad_address(disk):
    ring, head, chain = read(disk)
    ring.patch(chain[1], address=NOWHERE)
    return Place(head, chain[1], NOWHERE, disk.SECTOR)


def publish_table(disk, address, length):
    """An indirect descriptor."""
    head = disk.ring.add(Buffer(address, length, False))
    (number,) = disk.ring.chain_of(head)
    disk.ring.publish()
    disk.ring.patch(number, flags=INDIRECT)
    return number


def indirect_length(disk):
    table = disk.bus.allocate(64)
    number = publish_table(disk, table, 17)
    return Place(number, number, table, 17)


def indirect_nested(disk):
    """A table with a table in it."""
    table = disk.bus.allocate(64)
    flags = (0, INDIRECT) if disk.ring.packed else (INDIRECT, 0)
    disk.bus.write(table, struct.pack("<QLHH", table, 16, *flags))
    number = publish_table(disk, table, 16)
    return Place(number, 0, table, 16)


def indirect_nowhere(disk):
    number = publish_table(disk, NOWHERE, 32)
    return Place(number, number, NOWHERE, 32)


def duplicate(disk):
    """One buffer twice."""
    ring, head, chain = read(disk)
    if not ring.packed:
        ring.add_head(head)
        ring.publish()
        return Place(head, head, address_of(ring, head), 16)
    before = ring.bus.read_words(ring.desc + 16 * chain[2] + 12, 1)[0]
    _, head, chain = read(disk)
    ring.patch(chain[2], number=before)
    return Place(head, chain[2], address_of(ring, chain[2]), 1)


def bad_number(disk):
    """A buffer id beyond the driver's array of them."""
    ring, head, chain = read(disk)
    ring.patch(chain[2], number=ring.num)
    return Place(head, chain[2], address_of(ring, chain[2]), 1)


SPLIT = {
    "avail-ahead": Fault(avail_ahead, "avail-ahead", "avail_idx is further ahead of the device than the ring has entries"),
    "head": Fault(bad_head, "bad-head", "an available entry names a descriptor beyond the ring"),
    "loop": Fault(loop, "loop", "a chain of descriptors is longer than the ring: it loops"),
    "next": Fault(bad_next, "bad-next", "a chain leads to a descriptor beyond its table"),
}
BOTH = {
    "zero-size": Fault(zero_size, "zero-size", "a descriptor describes a buffer of no bytes"),
    "order": Fault(bad_order, "bad-order", "a buffer to be read follows one to be written"),
    "length": Fault(indirect_length, "bad-indirect", "an indirect descriptor's table is empty, of a broken length, or nested"),
    "nested": Fault(indirect_nested, "bad-indirect", "an indirect descriptor's table is empty, of a broken length, or nested"),
}
# QEMU does not break the device for these.
HARMLESS = {
    "address": Fault(bad_address, "bad-address", "a descriptor's address is outside the guest's RAM"),
    "table": Fault(indirect_nowhere, "bad-address", "a descriptor's address is outside the guest's RAM"),
    "duplicate": Fault(duplicate, "duplicate", "a descriptor is published twice"),
}
PACKED = {"number": Fault(bad_number, "bad-head", "an available entry names a descriptor beyond the ring")}
