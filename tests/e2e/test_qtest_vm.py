"""A VM that does not run is no hang: it is said once, for the VM."""

import json

import pytest
from rig import NULL, on, on_all, on_split

from vqitest.inspector import ANY
from vqitest.ring import Buffer


@on_all
def test_paused(rig):
    """Someone paused it, while requests wait to be seen."""
    disk = rig.disk()
    disk.complete(10)
    start = disk.ring.mark()
    rig.vm.qmp.execute("stop")
    disk.read()
    disk.ring.publish()
    rig.expect(disk.ring, state="paused", taken=start, seen=start, used=start)
    report = rig.report(status=0)
    finding = report.only_finding("vm-paused", severity="note", confidence=ANY)
    assert "paused" in finding["summary"]
    assert report.target["run_state"] == "paused"
    assert report.device("blk0")["vm_running"] == 0
    rig.vm.qmp.execute("cont")
    disk.ring.kick()
    disk.ring.wait_used(1)
    disk.ring.reap()
    rig.expect(disk.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on_all
@pytest.mark.parametrize("errno", [5, 28], ids=["eio", "enospc"])
def test_io_error(rig, errno):
    """QEMU paused it, because a disk failed under werror=stop; the request waits to be tried again."""
    blockdev = {
        "driver": "blkdebug",
        "node-name": "d0",
        "image": {"driver": "null-co", "size": 1 << 30, "read-zeroes": True},
        "inject-error": [{"event": "none", "iotype": "write", "errno": errno}],
    }
    disk = rig.disk(json.dumps(blockdev), werror="stop")
    disk.complete(10)
    start = disk.ring.mark()
    disk.submit(2, "write")
    rig.vm.qmp.wait_event("STOP")
    rig.expect(disk.ring, state="paused", used=start)
    report = rig.report(status=1)
    finding = report.only_finding("vm-paused", severity="error")
    assert "io-error" in " ".join([finding["summary"], *finding["evidence"]])
    assert report.target["run_state"] == "io-error"


@on_split
def test_broken_device_of_a_paused_vm(rig):
    """The VM is what must be told of first; a broken device stays broken all the same."""
    disk = rig.disk()
    disk.ring.add(Buffer(disk.bus.allocate(16), 0, True))
    disk.ring.publish()
    disk.ring.kick()
    path = rig.path("blk0")
    rig.bus.wait(lambda: rig.vm.qmp.execute("x-query-virtio-status", path=path)["broken"], "the device is broken")
    rig.vm.qmp.execute("stop")
    report = rig.report(status=None)
    assert {finding["id"] for finding in report.findings} >= {"vm-paused"}
    assert {finding["id"] for finding in report.findings} <= {"vm-paused", "device-broken"}


@on("pci-split")
def test_not_started(rig):
    """QEMU waits with -S for somebody to let it begin."""
    rig.add("-S", "-blockdev", NULL)
    rig.add_device("blk", "blk0", drive="d0")
    rig.boot()
    report = rig.report(status=0)
    report.only_finding("vm-paused", severity="note", confidence=ANY)
    assert report.target["run_state"] == "prelaunch"


@on("pci-split")
def test_guest_panicked(rig):
    """What the pvpanic device's port is for."""
    rig.add("-device", "pvpanic", "-action", "panic=pause", "-blockdev", NULL)
    rig.add_device("blk", "blk0", drive="d0")
    rig.boot()
    rig.bus.outb(0x505, 1)
    rig.vm.qmp.wait_event("GUEST_PANICKED")
    report = rig.report(status=1)
    assert "the guest panicked" in report.only_finding("vm-paused")["summary"]
    assert report.target["run_state"] == "guest-panicked"
