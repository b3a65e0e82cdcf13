"""Buffers that the driver has published and the device does not take: the kick was not sent, not due, not wanted, not read."""

import pytest
from call_inside import call_inside
from gdb_oracle import check_with_gdb
from rig import on, on_all, on_packed, on_split

from vqitest.inspector import check_evidence
from vqitest.packed import DESC, DISABLE


# An iothread needs a transport with guest notifiers.
on_both_loops = pytest.mark.parametrize("rig, iothread", [("pci-packed", False), ("pci-split", True)], indirect=["rig"])


def disk_on(rig, iothread):
    """A disk that the main loop serves, or an iothread; and the loop's name."""
    rig.add("-object", "iothread,id=io0")
    disk = rig.disk(**({"iothread": "io0"} if iothread else {}))
    disk.complete(10)
    return disk, "iothread io0" if iothread else "main loop"


def publish(rig, disk, count=1, **more):
    """Without a kick; and what the report must say then."""
    start = disk.ring.mark()
    for _ in range(count):
        disk.read()
    disk.ring.publish()
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start, **more)


# Not sent.


@on_all
@pytest.mark.parametrize("event_idx, before", [(True, 0), (True, 65534), (False, 65534)], ids=["first", "wrap", "flags"])
def test_kick_not_sent(rig, event_idx, before):
    disk = rig.disk(num=1024, event_idx=event_idx)
    disk.complete(before)
    publish(rig, disk, 3, kick_due=True, notification=True)
    assert disk.ring.kick_due
    report = rig.report(status=1)
    finding = report.only_finding("device-not-notified", "blk0", 0)
    count = 9 if rig.kind.packed else 3
    assert finding["summary"].startswith(f"{count} buffers published and not seen by the device; the driver was obliged")
    check_evidence(finding, "^a kick was due: ", "^notification 1: ", rf"^thread {rig.vm.pid}, main loop ")
    check_evidence(finding, r"^no index moved over \d{4} ms$")
    check_no_kick_pending(rig, report, finding)
    disk.ring.kick()
    rig.check_well(disk.ring, 3)


def check_no_kick_pending(rig, report, finding, loop="main loop"):
    notifier = report.queue("blk0", 0)["host_notifier"]
    assert notifier["pending"] is False
    if rig.vq(rig.drivers["blk0"].rings[0])["host_notifier_enabled"]:
        assert (notifier["count"], notifier["handler"], notifier["polled"]) == (0, "ready", False)
        check_evidence(finding, r"^kick eventfd \d+: count 0, eventfd-id \d+$", f"^the {loop} listens for its kicks")
    else:  # up to 8.1, without KVM virtio-mmio does without eventfds
        assert (notifier["fd"], notifier["count"], notifier["handler"], notifier["polled"]) == (None, None, None, None)
        assert report.device("blk0")["transport"]["ioeventfd_started"] is False
        check_evidence(finding, "^no eventfd: QEMU handles a kick in the thread of the virtual CPU that sends it$")


@on_both_loops
def test_kick_not_sent_as_gdb_sees_it(rig, iothread):
    """Who listens, who serves, what interrupts."""
    disk, loop = disk_on(rig, iothread)
    publish(rig, disk)
    report = rig.report(status=1)
    check_no_kick_pending(rig, report, report.only_finding("device-not-notified", "blk0", 0), loop)
    assert report.queue("blk0", 0)["served_by"]["thread"] == loop
    check_with_gdb(report, rig.vm.pid)
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


@on("pci-split")
def test_kick_decoded_by_nobody(rig):
    """The guest has switched the device's registers off: whatever it writes, no kick arrives."""
    disk = rig.disk()
    disk.complete(10)
    rig.drivers["blk0"].transport.device.decode(memory=False, ports=False)
    publish(rig, disk)
    disk.ring.kick()
    report = rig.report(status=1)
    finding = report.only_finding("device-not-notified", "blk0", 0)
    check_evidence(finding, "^the device does not decode memory")
    assert report.device("blk0")["transport"]["memory"] is False
    assert report.queue("blk0", 0)["host_notifier"]["ioeventfd"] in (False, None)
    rig.drivers["blk0"].transport.device.decode()
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


# Not due.


@on_split
def test_no_kick_due(rig):
    """avail_event is elsewhere, as when the device failed to write it, or the driver to read it in time."""
    disk = rig.disk()
    disk.complete(10)
    publish(rig, disk, kick_due=True)
    due = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    assert "was obliged to kick" in due["summary"]
    rig.check_in_memory(due, r"^a kick was due: avail_event is (10) \(at (0x[0-9a-f]+)\)$")
    disk.bus.writew(disk.ring.avail_event_address, 5)
    assert not disk.ring.kick_due
    finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    assert finding["summary"].endswith("; the driver was not obliged to kick")
    rig.check_in_memory(finding, r"^no kick was due: avail_event is (5) \(at (0x[0-9a-f]+)\)$")
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


@on("mmio-split", "pci-split")
def test_no_kick_due_by_flag(rig):
    disk = rig.disk(event_idx=False)
    disk.complete(10)
    disk.ring.set_used_flags(1)
    publish(rig, disk, kick_due=False, used_flags=1)
    assert not disk.ring.kick_due
    finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    assert finding["summary"].endswith("; the driver was not obliged to kick")
    rig.check_in_memory(finding, r"^no kick was due: used.flags is (0x1) \(at (0x[0-9a-f]+)\)$")
    check_evidence(finding, "^notification 1: ")
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


@on_packed
@pytest.mark.parametrize("flags", [DISABLE, DESC], ids=["disable", "elsewhere"])
def test_no_kick_due_packed(rig, flags):
    """The device event structure says that no kick is wanted, or not for this descriptor."""
    disk = rig.disk()
    disk.complete(10)
    later = disk.ring.mark()
    later.advance(100)
    disk.ring.set_device_event(later.off_wrap, flags)
    publish(rig, disk, kick_due=False)
    assert not disk.ring.kick_due
    finding = rig.report(status=1).only_finding("device-not-notified", "blk0", 0)
    assert finding["summary"].endswith("; the driver was not obliged to kick")
    check_evidence(finding, rf"^no kick was due: device event flags {flags}, off {later.index}, wrap {later.wrap} \(")
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


# Not wanted.


def check_left_off(rig, disk, loop="main loop"):
    """QEMU asked not to be told, as while it polls, and does not poll (5bdbaebcce18 in QEMU)."""
    queue = rig.vq(disk.ring)
    queue["notification"] = 0
    publish(rig, disk, notification=False)
    report = rig.report(status=1)
    finding = report.only_finding("notification-left-off", "blk0", 0)
    count = "3 buffers" if rig.kind.packed else "1 buffer"
    suppressed = "published and not seen by the device, which suppresses kicks and does not poll"
    assert finding["summary"] == f"{count} {suppressed}"
    check_evidence(finding, "^notification 0: ")
    check_no_kick_pending(rig, report, finding, loop)
    queue["notification"] = 1
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


@on_all
def test_notification_left_off(rig):
    disk = rig.disk()
    disk.complete(10)
    check_left_off(rig, disk)


@on("pci-split")
def test_notification_left_off_by_iothread(rig):
    check_left_off(rig, *disk_on(rig, True))


# Not read.


def submit(rig, disk, **more):
    """Two requests, with a kick that will not be read."""
    start = disk.ring.mark()
    disk.submit(2, "read")
    rig.expect(disk.ring, state="stuck", taken=start, seen=start, used=start, kick_due=True, **more)


def check_not_read(rig, handler, loop):
    report = rig.report(status=1)
    finding = report.only_finding("kick-not-handled", "blk0", 0)
    count = 6 if rig.kind.packed else 2
    assert finding["summary"].startswith(f"{count} buffers published and not seen by the device; a kick is pending")
    check_evidence(finding, r"^kick eventfd \d+: count 1, eventfd-id \d+$", "^a kick was due: ", rf"^thread \d+, {loop} ")
    queue = report.queue("blk0", 0)
    assert queue["host_notifier"]["handler"] == handler
    assert (queue["host_notifier"]["count"], queue["host_notifier"]["pending"]) == (1, True)
    assert queue["served_by"]["thread"] == loop
    return finding


def wake(rig):
    """Let an iothread look at its handlers anew."""
    rig.vm.qmp.execute("qom-set", path="/objects/io0", property="poll-max-ns", value=0)


@on_both_loops
def test_handler_removed(rig, iothread):
    """Nobody listens to the kicks, as after a drain that does not end."""
    disk, loop = disk_on(rig, iothread)
    queue, context = rig.vq(disk.ring), rig.inside.context_of(rig.path("blk0"))
    rig.inside.sleeps(rig.vm.pid)
    call_inside(rig.inside, "virtio_queue_aio_detach_host_notifier", queue.address, context.address)
    submit(rig, disk)
    finding = check_not_read(rig, "none", loop)
    assert finding["summary"].endswith("a kick is pending and no event loop listens to it")
    notifier = f"{queue.at('host_notifier'):#x}"
    check_evidence(finding, f"^no event loop has a handler for the host notifier at {notifier}; the {loop} should$")
    call_inside(rig.inside, "virtio_queue_aio_attach_host_notifier", queue.address, context.address)
    rig.check_well(disk.ring, 2)


@on("pci-split", "pci-packed")
def test_loop_drained(rig):
    """An event loop that is drained for ever does not read the kicks of its disks (766aa2de0f29 in QEMU)."""
    disk, loop = disk_on(rig, True)
    context = rig.inside.context_of(rig.path("blk0"))
    if "external_disable_cnt" not in context:
        pytest.skip("from 8.1 on a drain takes the handlers away")
    context["external_disable_cnt"] = 1
    submit(rig, disk)
    finding = check_not_read(rig, "disabled", loop)
    assert finding["summary"].endswith("a kick is pending and its event loop is drained")
    check_evidence(finding, f"^the {loop} listens for its kicks, and passes them over.*AioContext at {context.address:#x}")
    context["external_disable_cnt"] = 0
    wake(rig)
    rig.check_well(disk.ring, 2)


@on("pci-split")
def test_loop_does_not_heed_it(rig):
    """The handler is in its place, and the loop sleeps on: it does not wait for this descriptor."""
    disk, loop = disk_on(rig, True)
    handler = rig.inside.handler_of(rig.path("blk0"))
    events, handler["pfd.events"] = handler["pfd.events"], 0
    wake(rig)
    submit(rig, disk)
    finding = check_not_read(rig, "ready", loop)
    assert finding["summary"].endswith("the event loop that listens to it does not heed it")
    check_evidence(finding, f"^the {loop} listens for its kicks", r"^thread \d+, iothread io0 .*: state S in ")
    handler["pfd.events"] = events
    wake(rig)
    rig.check_well(disk.ring, 2)
