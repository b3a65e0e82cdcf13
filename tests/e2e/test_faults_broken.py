"""Devices that QEMU has given up because of what a driver did, and a QEMU that has lost count."""

import pytest
import ring_faults
from rig import GEOMETRY, SLOW, on, on_all, on_split

from vqitest.inspector import check_evidence
from vqitest.transport import NEEDS_RESET

BREAKING = {**ring_faults.SPLIT, **ring_faults.BOTH}


def break_device(rig, disk, fault):
    """Publish it and kick: where that is in the ring."""
    place = fault.make(disk)
    disk.ring.kick()
    path = rig.path("blk0")
    rig.bus.wait(lambda: rig.vm.qmp.execute("x-query-virtio-status", path=path)["broken"], "the device is broken")
    return place


def check_broken(rig, fault, place):
    report = rig.report(status=1)
    finding = report.only_finding("device-broken", "blk0")
    assert finding["summary"] == "the device is broken until the guest driver resets it"
    device, queue = report.device("blk0"), report.queue("blk0", 0)
    has_bit = rig.kind.transport != "mmio-legacy"
    assert device["broken"] is True
    assert ("DEVICE_NEEDS_RESET" in device["status_flags"]) == has_bit
    assert bool(rig.drivers["blk0"].status & NEEDS_RESET) == has_bit
    bit = " with DEVICE_NEEDS_RESET" if has_bit else ""
    check_evidence(finding, rf"^broken 1, status 0x{device['status']:02x}{bit} \(VirtIODevice at {device['vdev_addr']}\)$")
    check_evidence(finding, rf"^queue 0: {fault.sentence} \(num {queue['num']}\)$", "^shadow_avail_idx ")
    assert queue["ring_faults"] == [fault.word]
    if place is not None:
        assert queue["fault_place"] == {**place._asdict(), "gpa": place.gpa and f"{place.gpa:#x}"}
        check_evidence(finding, f"^in the chain of head {place.head}")


@on("pci-split")
@pytest.mark.parametrize("fault", BREAKING.values(), ids=BREAKING)
def test_broken(rig, fault):
    """The ring check finds what the device stumbled over, though that has been taken."""
    disk = rig.disk()
    disk.complete(10)
    check_broken(rig, fault, break_device(rig, disk, fault))


@on_split
def test_reset_mends_it(rig):
    disk = rig.disk()
    disk.complete(10)
    fault = ring_faults.BOTH["zero-size"]
    check_broken(rig, fault, break_device(rig, disk, fault))
    again = rig.drive("blk0", {0: 64})
    rig.check_well(again.rings[0])


@on_all
def test_inuse_leak(rig):
    """QEMU has lost count of the buffers that it has, and will give up when there seem to be too many."""
    disk = rig.disk()
    disk.complete(10)
    queue = rig.vq(disk.ring)
    queue["inuse"] = 7
    rig.expect(disk.ring, state=None, inuse=7, in_flight=0)
    finding = rig.report(status=1).only_finding("inuse-leak", "blk0", 0)
    assert finding["summary"] == "inuse is 7, but last_avail_idx - used_idx is 0"
    check_evidence(finding, rf"inuse 7 \(VirtQueue at {queue.address:#x}\)$", r"^the same difference \d+ ms before$")
    queue["inuse"] = 0
    rig.check_well(disk.ring)


@on("pci-split", "pci-packed")
def test_inuse_leak_while_requests_are_stuck(rig):
    """One cause, one finding: the leak."""
    disk = rig.disk(SLOW, **GEOMETRY)
    start = disk.ring.mark()
    disk.submit(2)
    rig.wait_taken(disk.ring)
    count = 6 if rig.kind.packed else 2
    rig.vq(disk.ring)["inuse"] = count - 1
    rig.expect(disk.ring, state="stuck", used=start, inuse=count - 1, in_flight=count)
    finding = rig.report(status=1).only_finding("inuse-leak", "blk0", 0)
    assert finding["summary"] == f"inuse is {count - 1}, but last_avail_idx - used_idx is {count}"
