"""Requests that are stuck: before the device, in it, and after it."""

import re

import pytest
from rig import GEOMETRY, SLOW, on, on_all, on_packed, on_split

EVENT_IDX = pytest.mark.parametrize("event_idx", [True, False], ids=["event-idx", "flags"])


def says(text, number):
    return re.search(rf"(?<!\d){number}(?!\d)", text)


# Before the device.


@on_all
@EVENT_IDX
@pytest.mark.parametrize("before", [0, 65534], ids=["first", "wrap"])
def test_not_notified(rig, event_idx, before):
    """The driver publishes and forgets to kick."""
    disk = rig.disk(num=1024, event_idx=event_idx)
    disk.complete(before)
    start = disk.ring.mark()
    for _ in range(3):
        disk.read()
    disk.ring.publish()
    assert disk.ring.kick_due
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start)
    finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    count = 9 if rig.kind.packed else 3
    assert says(finding["summary"], count) or says(finding["summary"], 3)


@on_split
def test_not_notified_not_due(rig):
    """The driver was not obliged to kick: avail_event is elsewhere, as when the device failed to write it."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    disk.read()
    disk.bus.writew(disk.ring.avail_event_address, start - 5)
    disk.ring.publish()
    assert not disk.ring.kick_due
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start)
    finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    assert "avail_event" in " ".join([finding["summary"], *finding["evidence"]])


@on_split
def test_due_and_not_due_differ(rig):
    """Both have the same numbers but for avail_event, and a reader must be told which it was."""
    disk = rig.disk()
    disk.complete(10)
    disk.read()
    disk.ring.publish()
    texts = []
    for avail_event in (10, 5):
        disk.bus.writew(disk.ring.avail_event_address, avail_event)
        finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
        texts.append(re.sub(r"\d+", "N", " ".join([finding["summary"], *finding["evidence"]])))
    assert texts[0] != texts[1]


@on_all
def test_kick_ends_it(rig):
    """The tool did not disturb anything: the forgotten kick still works, and then nothing is found."""
    disk = rig.disk()
    disk.read()
    disk.ring.publish()
    rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    disk.ring.kick()
    disk.ring.wait_used(1)
    disk.ring.reap()
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


# In the device.


@on_all
@EVENT_IDX
@pytest.mark.parametrize("count", [1, 5])
def test_stuck_in_slow_back_end(rig, count, event_idx):
    disk = rig.disk(SLOW, event_idx=event_idx, **GEOMETRY)
    start = disk.ring.mark()
    disk.submit(count, "write")
    rig.wait_taken(disk.ring)
    rig.expect(disk.ring, state="stuck", used=start)
    report = rig.report(status=1)
    finding = report.only_finding("request-stuck-in-device", "blk0", 0)
    assert says(finding["summary"], count) or says(finding["summary"], 3 * count)
    assert "d0" in " ".join([finding["summary"], *finding["evidence"]])
    backends = report.device("blk0")["backends"]
    assert backends == [{"kind": "block", "name": None, "node_name": "d0", "driver": "null-co"}]


@on_all
@pytest.mark.parametrize("before", [0, 65534], ids=["first", "wrap"])
def test_stuck_in_throttle_group(rig, before):
    """At ten bytes a second nothing comes for most of a minute. Then the limit is lifted, and all goes on."""
    rig.add("-object", "throttle-group,id=limits")
    null = "null-co,node-name=null,size=1073741824,read-zeroes=on"
    disk = rig.disk([null, "throttle,node-name=d0,throttle-group=limits,file=null"], num=1024)
    disk.complete(before)
    limits = {"bps-total": 10}
    rig.vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value=limits)
    disk.submit(1, "read")
    disk.ring.wait_used(1)
    disk.ring.reap()
    start = disk.ring.mark()
    disk.submit(4, "read")
    rig.wait_taken(disk.ring)
    rig.expect(disk.ring, state="stuck", used=start)
    rig.report(status=1).only_finding("request-stuck-in-device", "blk0", 0)
    rig.vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value={"bps-total": 0})
    rig.vm.qmp.execute("stop")  # drains: the timers of what waits stay as they were
    rig.vm.qmp.execute("cont")
    disk.ring.wait_used(4)
    disk.ring.reap()
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on_all
def test_stuck_in_device_comes_before_not_notified(rig):
    """Some requests are in the device and others wait unseen: two facts of one queue, and the first explains it."""
    disk = rig.disk(SLOW, **GEOMETRY)
    start = disk.ring.mark()
    disk.submit(2, "read")
    rig.wait_taken(disk.ring)
    taken = disk.ring.mark()
    disk.read()
    disk.ring.publish()
    rig.expect(disk.ring, state="stuck", used=start, taken=taken, seen=taken)
    rig.report(status=1).only_finding("request-stuck-in-device", "blk0", 0)


@on("pci-split", "mmio-split")
def test_only_the_stuck_device_is_blamed(rig):
    """A second disk, idle, and a third without a driver."""
    for name in ("d1", "d2"):
        rig.add("-blockdev", f"null-co,node-name={name},size=1048576,read-zeroes=on")
    rig.add("-blockdev", SLOW)
    rig.add_device("blk", "stuck", drive="d0", num_queues=1, **GEOMETRY)
    rig.add_device("blk", "idle", drive="d1", num_queues=2)
    rig.add_device("blk", "asleep", drive="d2", num_queues=1)
    rig.boot()
    from vqitest.driver import Disk

    stuck = Disk(rig.drive("stuck", {0: 64}))
    idle = Disk(rig.drive("idle", {0: 64, 1: 64}), index=1)
    idle.complete(7)
    start = stuck.ring.mark()
    stuck.submit(2, "read")
    rig.wait_taken(stuck.ring)
    rig.expect(stuck.ring, state="stuck", used=start)
    rig.expect(idle.ring, state="idle")
    report = rig.report(status=1)
    report.only_finding("request-stuck-in-device", "stuck", 0)
    assert report.states() == {
        ("stuck", 0): "stuck",
        ("idle", 0): "idle",
        ("idle", 1): "idle",
        ("asleep", 0): "disabled",
    }


# After the device.


@on_all
@pytest.mark.parametrize("before", [1, 65534], ids=["early", "wrap"])
def test_completion_not_seen(rig, before):
    """The device is done and interrupted; the driver, which had asked for it, does not come."""
    disk = rig.disk(num=1024)
    disk.complete(before)
    start = disk.ring.mark()
    disk.submit(3, "flush")
    disk.ring.wait_used(3)
    rig.expect(disk.ring, state="stuck", unreaped=6 if rig.kind.packed else 3)
    finding = rig.report(status=1).only_finding("completion-not-seen", "blk0", 0)
    assert start != disk.ring.mark()
    assert says(finding["summary"], 3) or says(finding["summary"], 6)


@on("pci-split", "pci-packed")
def test_completion_not_seen_without_msix(rig):
    """No vector is no fault while the device interrupts by a pin."""
    rig.add("-blockdev", "null-co,node-name=d0,size=1048576,read-zeroes=on")
    rig.add_device("blk", "blk0", drive="d0", num_queues=1)
    rig.boot()
    from vqitest.driver import Disk

    disk = Disk(rig.drive("blk0", {0: 64}, vectors=False))
    disk.complete(1)
    disk.submit(2)
    disk.ring.wait_used(2)
    rig.expect(disk.ring, state="stuck", vector=0xFFFF)
    rig.report(status=1).only_finding("completion-not-seen", "blk0", 0)


@on("pci-split", "pci-packed")
@pytest.mark.parametrize("whole", [True, False], ids=["function", "vector"])
def test_interrupt_masked(rig, whole):
    disk = rig.disk()
    disk.complete(1)
    msix = rig.drivers["blk0"].transport.msix
    if whole:
        msix.mask_all()
    else:
        msix.mask(1)
    disk.submit(2)
    disk.ring.wait_used(2)
    disk.bus.wait(lambda: msix.pending(1), "the interrupt is pending")
    rig.expect(disk.ring, state="stuck", vector=1)
    rig.report(status=1).only_finding("completion-not-seen", "blk0", 0)


@on_packed
def test_completion_asked_for_later(rig):
    """The driver event structure names a descriptor that is not used yet."""
    from vqitest.packed import DESC

    disk = rig.disk()
    disk.complete(1)
    later = disk.ring.reaped.copy()
    later.advance(20)
    disk.ring.set_driver_event(later.off_wrap, DESC)
    disk.submit(3)
    disk.ring.wait_used(3)
    rig.report(status=0).assert_healthy()
