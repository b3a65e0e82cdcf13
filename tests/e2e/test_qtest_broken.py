"""Drivers and devices that break the rules, and a QEMU whose counters are wrong."""

import os
import re
import struct

from oracle import gdb_devices
from rig import on, on_all, on_packed, on_split

from vqitest.inspector import ANY
from vqitest.ring import Buffer
from vqitest.transport import NEEDS_RESET


def wait_broken(rig):
    path = rig.path("blk0")
    rig.bus.wait(lambda: rig.vm.qmp.execute("x-query-virtio-status", path=path)["broken"], "the device is broken")


def check_broken(rig):
    wait_broken(rig)
    report = rig.report(status=1)
    report.only_finding("device-broken", "blk0", ANY)
    device = report.device("blk0")
    assert device["broken"] is True
    assert ("DEVICE_NEEDS_RESET" in device["status_flags"]) == (rig.kind.transport != "mmio-legacy")
    assert bool(rig.drivers["blk0"].status & NEEDS_RESET) == (rig.kind.transport != "mmio-legacy")
    return report


def add_empty_buffer(disk):
    """A buffer of no bytes is against the rules, and the one fault that a packed ring can have as well."""
    disk.ring.add(Buffer(disk.bus.allocate(16), 0, True))
    disk.ring.publish()


@on_split
def test_broken_by_index(rig):
    """The driver's index runs away by more than the ring holds, and it kicks."""
    disk = rig.disk()
    disk.complete(10)
    disk.ring.set_avail_idx(disk.ring.avail_idx + disk.ring.num + 1)
    disk.ring.kick()
    check_broken(rig)


@on_split
def test_broken_by_head(rig):
    disk = rig.disk()
    disk.complete(10)
    disk.ring.add_head(disk.ring.num)
    disk.ring.publish()
    disk.ring.kick()
    check_broken(rig)


@on_split
def test_broken_by_empty_buffer(rig):
    disk = rig.disk()
    disk.complete(10)
    add_empty_buffer(disk)
    disk.ring.kick()
    check_broken(rig)


@on("pci-packed")
def test_broken_and_spinning(rig, machines):
    """On a packed ring, QEMU does not step over the bad buffer and tries it again for ever.

    The main loop comes back no more, and with it QMP is dead; what can be seen from outside can still be seen.
    """
    disk = rig.disk()
    disk.complete(10)
    add_empty_buffer(disk)
    disk.ring.kick()  # an eventfd: QEMU answers before it acts
    machines.give_up(rig.vm)
    path = rig.path("blk0")
    while not gdb_devices(rig.vm.pid)[path]["broken"]:
        pass
    for _ in range(2):
        report = rig.inspector.report(rig.vm.pid, status=1)
        assert "device-broken" in [finding["id"] for finding in report.findings]
        assert {finding["id"] for finding in report.findings} <= {"device-broken", "event-loop-blocked"}
        assert report.device("blk0")["broken"] is True


@on_split
def test_reset_mends_it(rig):
    disk = rig.disk()
    add_empty_buffer(disk)
    disk.ring.kick()
    wait_broken(rig)
    again = rig.drive("blk0", {0: 64})
    rig.expect(again.rings[0], state="idle")
    rig.report(status=0).assert_healthy()


@on_split
def test_corrupt_index(rig):
    """As above, but the device has not been told yet."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    disk.ring.set_avail_idx(start + disk.ring.num + 1)
    rig.expect(disk.ring, state=None, taken=start, seen=start, used=start)
    rig.report(status=1).only_finding("ring-corrupt", "blk0", 0)


@on_split
def test_full_ring_is_not_corrupt(rig):
    """One less is allowed."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    disk.ring.set_avail_idx(start + disk.ring.num)
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start)
    rig.report(status=1).only_finding("device-not-notified", "blk0", 0)


@on_split
def test_corrupt_head(rig):
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    disk.ring.add_head(disk.ring.num)
    disk.ring.publish()
    rig.expect(disk.ring, state=None, taken=start, seen=start, used=start)
    finding = rig.report(status=1).only_finding("ring-corrupt", "blk0", 0)
    assert re.search(rf"\b{disk.ring.num}\b", " ".join([finding["summary"], *finding["evidence"]]))


@on_packed
def test_indirect_table_of_broken_length(rig):
    """Published and not kicked: the device has not looked, and so has not broken."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    disk.read()
    position = disk.ring._pending[0][0]
    disk.ring.publish()
    descriptor = disk.ring.desc + 16 * position.index
    disk.bus.writel(descriptor + 8, 17)
    disk.bus.writew(descriptor + 14, disk.bus.readw(descriptor + 14) | 4)
    rig.expect(disk.ring, state=None, taken=start, seen=start, used=start)
    rig.report(status=1).only_finding("ring-corrupt", "blk0", 0)


@on_split
def test_corrupt_used_index(rig):
    """Somebody else has written to the used ring."""
    disk = rig.disk()
    disk.complete(10)
    disk.bus.writew(disk.ring.used + 2, 17)
    rig.expect(disk.ring, state=None, used_ring_idx=17, omit=["unreaped"])
    rig.report(status=1).only_finding("ring-corrupt", "blk0", 0)


def poke(pid, address, data):
    """Write into QEMU's own memory."""
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        os.pwrite(memory.fileno(), data, address)


def facts(rig, index=0):
    return gdb_devices(rig.vm.pid)[rig.path("blk0")]["queues"][index]


@on_all
def test_inuse_leak(rig):
    disk = rig.disk()
    disk.complete(10)
    poke(rig.vm.pid, facts(rig)["inuse_address"], struct.pack("<L", 7))
    rig.expect(disk.ring, state=None, inuse=7)
    finding = rig.report(status=1).only_finding("inuse-leak", "blk0", 0)
    assert re.search(r"\b7\b", " ".join([finding["summary"], *finding["evidence"]]))


@on_all
def test_notification_left_off(rig):
    """QEMU asked not to be told, as while it polls, and does not poll."""
    disk = rig.disk()
    disk.complete(10)
    poke(rig.vm.pid, facts(rig)["notification_address"], b"\0")
    start = disk.ring.mark()
    disk.read()
    disk.ring.publish()
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start, notification=0)
    finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    assert "was obliged to kick" in finding["summary"]  # nobody told the driver not to


@on("pci-split", "pci-packed")
def test_kick_not_handled(rig):
    """An event loop that is drained for ever does not read the kicks of its disks (766aa2de0f29 in QEMU)."""
    rig.add("-object", "iothread,id=io0")
    disk = rig.disk(iothread="io0")
    disk.complete(10)
    drain = gdb_devices(rig.vm.pid)[rig.path("blk0")]["drain_counter_address"]
    poke(rig.vm.pid, drain, struct.pack("<L", 1))
    start = disk.ring.mark()
    disk.submit(2, "read")
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start)
    report = rig.report(status=1)
    report.only_finding("kick-not-handled", "blk0", 0)
    assert report.queue("blk0", 0)["host_notifier"]["count"] == 1
    # The kick is still there to be read, as soon as the loop looks at its handlers anew.
    poke(rig.vm.pid, drain, struct.pack("<L", 0))
    rig.vm.qmp.execute("qom-set", path="/objects/io0", property="poll-max-ns", value=0)
    disk.ring.wait_used(2)
    disk.ring.reap()
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()
