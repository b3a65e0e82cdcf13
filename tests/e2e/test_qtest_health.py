"""Healthy devices: whatever they show, nothing is found."""

import pytest
from rig import on, on_all, on_split

from vqitest.ring import Buffer
from vqitest.transport import DRIVER_OK

HUB = "hubport,id=n0,hubid=0"


@on_all
def test_idle_from_the_start(rig):
    disk = rig.disk()
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on_all
@pytest.mark.parametrize("event_idx", [True, False], ids=["event-idx", "flags"])
@pytest.mark.parametrize("count", [1, 65535, 70001])
def test_idle_after_requests(rig, count, event_idx):
    disk = rig.disk(num=1024, event_idx=event_idx)
    disk.complete(count)
    rig.expect(disk.ring, state="idle")
    report = rig.report(status=0)
    report.assert_healthy()
    assert report.capture["looks"] == 2
    assert 250 <= report.capture["interval_ms"] < 2000
    assert report.capture["consistent"] is True


@on_all
def test_device_without_driver(rig):
    """Firmware has not touched it: there is no ring to read."""
    rig.add("-object", "rng-builtin,id=r0")
    rig.add_device("rng", "rng0", rng="r0")
    rig.boot()
    report = rig.report(status=0)
    report.assert_healthy()
    (queue,) = report.device("rng0")["queues"]
    assert queue["state"] == "disabled"
    for name in ("avail_idx", "used_ring_idx", "used_event", "avail_event", "unseen", "unreaped"):
        assert queue[name] is None


@on_all
@pytest.mark.parametrize("kick", [True, False], ids=["kick", "no-kick"])
def test_receive_buffers_wait(rig, kick):
    """Buffers for packets that nobody sends are posted, not stuck; the driver need not even tell the device."""
    rig.add("-netdev", HUB)
    rig.add_device("net", "net0", netdev="n0")
    rig.boot()
    net = rig.drive("net0", {0: 256, 1: 256})
    receive, transmit = net.rings[0], net.rings[1]
    net.post_buffers(0, 100, 1526)
    start = receive.mark()
    receive.publish()
    if kick:
        receive.kick()
    rig.expect(receive, state="parked", taken=start, seen=start, used=start, role="rx")
    rig.expect(transmit, state="idle", role="tx", omit=["unreaped"])
    report = rig.report(status=0)
    report.assert_healthy()
    assert report.queue("net0", 2)["role"] == "control"
    assert report.queue("net0", 2)["state"] == "disabled"


@on("mmio-split", "pci-split")
def test_event_buffers_wait(rig):
    """The event queue of a healthy virtio-scsi device: the device has not even looked at it."""
    rig.add_device("scsi", "scsi0")
    rig.boot(smp=1)  # a request queue for each
    scsi = rig.drive("scsi0", {0: 64, 1: 64, 2: 128})
    event = scsi.rings[1]
    scsi.post_buffers(1, 8, 16)
    start = event.mark()
    event.publish()
    event.kick()
    rig.expect(event, state="parked", taken=start, seen=start, used=start, role="event")
    rig.expect(scsi.rings[0], state="idle", role="control")
    rig.expect(scsi.rings[2], state="idle", role="request")
    rig.report(status=0).assert_healthy()


@on("pci-split")
def test_callbacks_disabled(rig):
    """Linux since 5.14 writes 0 to used_event of a queue it polls, and gives it no vector: nothing is known of the driver."""
    disk = rig.disk(vectors=False)
    disk.complete(5)
    disk.ring.disable_interrupts()
    disk.submit(3)
    disk.ring.wait_used(3)
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on("mmio-packed", "pci-packed")
def test_callbacks_disabled_packed(rig):
    disk = rig.disk()
    disk.complete(5)
    disk.ring.disable_interrupts()
    disk.submit(3)
    disk.ring.wait_used(3)
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on_split
def test_delayed_callback(rig):
    """The driver asked for an interrupt later than now, and gets none: it is not behind."""
    disk = rig.disk()
    disk.complete(5)
    disk.ring.set_used_event(disk.ring.reaped + 6)
    disk.submit(3)
    disk.ring.wait_used(3)
    rig.expect(disk.ring, state="idle", omit=["unreaped"])
    rig.report(status=0).assert_healthy()


@on_split
def test_completion_without_event_idx(rig):
    """How far the driver has come cannot be seen then."""
    disk = rig.disk(event_idx=False)
    disk.submit(3)
    disk.ring.wait_used(3)
    rig.expect(disk.ring, state="idle", unreaped=None, used_event=None, avail_event=None)
    rig.report(status=0).assert_healthy()


@on_all
def test_long_chains_and_partial_use(rig):
    """Descriptors of a chain are not requests: a packed ring counts the former, a split ring the latter."""
    disk = rig.disk(num=64)
    memory = disk.bus.allocate(8192, 512)
    for _ in range(50):
        head = disk.read(0, sectors=4)
        disk.ring.publish()
        disk.ring.kick()
        disk.ring.wait_used(1)
        assert [number for number, _ in disk.ring.reap()] == [head]
    header, _, status = disk._request(disk.READ, 8, 1)
    pieces = [Buffer(memory + 512 * piece, 512, True) for piece in range(10)]
    disk.ring.add(Buffer(header, 16, False), *pieces, Buffer(status, 1, True))
    disk.ring.publish()
    disk.ring.kick()
    disk.ring.wait_used(1)
    disk.ring.reap()
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on("pci-split")
def test_bus_mastering_taken_away(rig):
    """QEMU stops the device then, whatever is published; when the guest gives it back, it goes on."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    pci = rig.drivers["blk0"].transport.device
    pci.decode(master=False)
    disk.submit(1)
    rig.expect(disk.ring, state="unknown", taken=start, used=start, omit=["shadow_avail_idx", "unseen", "wrap"])
    report = rig.report(status=0)
    assert report.findings == []
    device = report.device("blk0")
    assert (device["disabled"], device["started"], device["transport"]["bus_master"]) == (True, False, False)
    pci.decode()
    rig.drivers["blk0"].transport.status |= DRIVER_OK
    disk.ring.kick()
    rig.check_well(disk.ring, 1)
