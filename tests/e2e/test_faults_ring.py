"""Rings that break the specification, before the device has looked: published, and nobody was told."""

import pytest
import ring_faults
from rig import on, on_split

from vqitest.inspector import check_evidence
from vqitest.ring import Buffer

SPLIT = {**ring_faults.SPLIT, **ring_faults.BOTH, **ring_faults.HARMLESS}
PACKED = {**ring_faults.BOTH, **ring_faults.HARMLESS, **ring_faults.PACKED}


def check_corrupt(rig, disk, fault):
    """Nothing else is found, and what is found has all its numbers. When it is taken back, all is well."""
    ring, bus = disk.ring, disk.bus
    start, descriptors = ring.mark(), bus.read(disk.ring.desc, 16 * disk.ring.num)
    place = fault.make(disk)
    rig.expect(ring, state=None, taken=start, seen=start, used=start)
    report = rig.report(status=1)
    finding = report.only_finding("ring-corrupt", "blk0", 0)
    assert finding["summary"] == fault.sentence
    check_evidence(finding, rf"^queue 0: {fault.sentence} \(num {ring.num}\)$", "^no index moved over 1")
    queue = report.queue("blk0", 0)
    assert queue["ring_faults"] == [fault.word]
    check_place(finding, queue["fault_place"], place)
    bus.write(ring.desc, descriptors)
    if ring.packed:
        ring.published = start
    else:
        ring.set_avail_idx(start)
    rig.check_well(ring)


def check_place(finding, found, place):
    if place is None:
        assert found is None
        return
    expected = {**place._asdict(), "gpa": None if place.gpa is None else f"{place.gpa:#x}"}
    assert found == expected
    where = f"in the chain of head {place.head}"
    if place.descriptor is not None:
        where += f", descriptor {place.descriptor}: address {place.gpa:#x}, length {place.len}"
    check_evidence(finding, f"^{where}$")


@on("pci-split")
@pytest.mark.parametrize("fault", SPLIT.values(), ids=SPLIT)
def test_split(rig, fault):
    disk = rig.disk()
    disk.complete(10)
    check_corrupt(rig, disk, fault)


@on("pci-packed")
@pytest.mark.parametrize("fault", PACKED.values(), ids=PACKED)
def test_packed(rig, fault):
    disk = rig.disk()
    disk.complete(10)
    check_corrupt(rig, disk, fault)


@on("mmio-legacy", "mmio-split", "mmio-packed")
def test_other_transports(rig):
    disk = rig.disk(num=1024)
    disk.complete(65534)
    check_corrupt(rig, disk, ring_faults.BOTH["zero-size"])


@on_split
def test_full_ring_is_not_corrupt(rig):
    """One more would be too far ahead."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    for _ in range(disk.ring.num):
        disk.ring.add(Buffer(disk.bus.allocate(1), 1, True))
    disk.ring.publish()
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start, ring_faults=[])
    rig.report(status=1).only_finding("device-not-notified", "blk0", 0)


@on_split
def test_used_index_of_somebody_else(rig):
    """Somebody else has written to the used ring."""
    disk = rig.disk()
    disk.complete(10)
    disk.bus.writew(disk.ring.used + 2, 17)
    rig.expect(disk.ring, state=None, used_ring_idx=17, used_idx=10, omit=["unreaped"])
    report = rig.report(status=1)
    finding = report.only_finding("ring-corrupt", "blk0", 0)
    assert finding["summary"] == "the used index in guest RAM is not what QEMU wrote there"
    check_evidence(finding, r"used_idx 10, inuse 0", r"used_ring_idx 17 \(used ring at 0x")
    assert (report.queue("blk0", 0)["ring_faults"], report.queue("blk0", 0)["fault_place"]) == (["used-mismatch"], None)
    disk.bus.writew(disk.ring.used + 2, 10)
    rig.check_well(disk.ring)
