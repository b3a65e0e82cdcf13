"""A VM that does not run is no hang, and is said once, for the VM: paused, out of space, panicked, not started."""

import json

import pytest
import ring_faults
from oracle import QmpOracle
from rig import GEOMETRY, NULL, on, on_all, on_split

from vqitest.inspector import check_evidence
from vqitest.scsi import ScsiDisk

PANIC_PORT = 0x505  # hw/misc/pvpanic-isa.c


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
    finding = report.only_finding("vm-paused", severity="note")
    assert finding["summary"] == "the VM is stopped: paused, because somebody paused it"
    check_evidence(finding, "^run state paused$")
    assert report.target["run_state"] == "paused"
    assert report.device("blk0")["vm_running"] is False
    rig.vm.qmp.execute("cont")
    disk.ring.kick()
    rig.check_well(disk.ring, 1)


# QEMU paused it, because a disk failed under werror=stop or rerror=stop; the requests wait to be tried again.

ERRORS = {5: "failed", 28: "nospace"}


def failing_disk(name, kind, errno):
    """A node whose first two reads or writes fail."""
    rule = {"event": "none", "iotype": kind, "errno": errno, "once": True}
    image = {"driver": "null-co", "size": 1 << 30, "read-zeroes": True}
    return json.dumps({"driver": "blkdebug", "node-name": name, "image": image, "inject-error": [rule, rule]})


def check_io_error(rig, errno, device, who):
    report = rig.report(status=1)
    finding = report.only_finding("vm-paused")
    iostatus = ERRORS[errno]
    space = "; there is no space left" if iostatus == "nospace" else ""
    policy = "because a disk failed and its policy (werror, rerror) is to stop"
    assert finding["summary"] == f"the VM is stopped: io-error, {policy}{space}"
    check_evidence(finding, "^run state io-error$", f"^{device}: iostatus {iostatus}$")
    check_evidence(finding, f"^back end{who}: block, node d0", "^2 requests parked until the VM goes on$")
    check_evidence(finding, f": 0 in flight, quiesce_counter 0, iostatus {iostatus}$")
    assert not [line for line in finding["evidence"] if "node d1" in line], "it is well"
    assert report.target["run_state"] == "io-error"
    (block,) = (backend["block"] for backend in report.device(device)["backends"] if backend["node_name"] == "d0")
    assert (block["iostatus"], block["parked"], block["in_flight"]) == (iostatus, 2, 0)
    assert set(report.states().values()) <= {"paused", "disabled"}


@on_all
@pytest.mark.parametrize("errno", ERRORS, ids=["eio", "enospc"])
def test_disk_fails(rig, errno):
    disk = rig.disk(failing_disk("d0", "write", errno), werror="stop")
    disk.complete(10)
    start = disk.ring.mark()
    disk.submit(2, "write")
    rig.vm.qmp.wait_event("STOP")
    rig.expect(disk.ring, state="paused", used=start)
    check_io_error(rig, errno, "blk0", "")
    rig.vm.qmp.execute("cont")
    rig.check_well(disk.ring, 2)


@on("pci-split")
def test_disk_fails_to_read(rig):
    # With a geometry it is not read before the guest does.
    disk = rig.disk(failing_disk("d0", "read", 5), rerror="stop", **GEOMETRY)
    disk.complete(10)
    disk.read(0)
    disk.read(8)
    disk.ring.publish()
    disk.ring.kick()
    rig.vm.qmp.wait_event("STOP")
    check_io_error(rig, 5, "blk0", "")
    rig.vm.qmp.execute("cont")
    rig.check_well(disk.ring, 2)


@on("pci-split", "mmio-packed")
@pytest.mark.parametrize("errno", ERRORS, ids=["eio", "enospc"])
def test_scsi_disk_fails(rig, errno):
    """Which of the controller's disks, too."""
    rig.add("-blockdev", failing_disk("d0", "write", errno), "-blockdev", NULL.replace("d0", "d1"))
    rig.add_device("scsi", "scsi0")
    for number in (0, 1):
        disk = f"scsi-hd,id=hd{number},drive=d{number},scsi-id={number},lun=0,werror=stop"
        rig.add("-device", f"{disk},bus=scsi0.0")
    rig.boot(smp=1)  # a request queue for each
    driver = rig.drive("scsi0", {0: 64, 1: 64, 2: 128})
    disks = [ScsiDisk(driver, target) for target in (0, 1)]
    ring = disks[0].ring
    for disk in disks:
        disk.make_ready()
    start = ring.mark()
    for block in (0, 8):
        disks[0].write(block)
    ring.publish()
    ring.kick()
    rig.vm.qmp.wait_event("STOP")
    rig.expect(ring, state="paused", used=start)
    check_io_error(rig, errno, "scsi0", " of hd0")
    rig.vm.qmp.execute("cont")
    rig.check_well(ring, 2)


# Others.


@on_split
def test_broken_device_of_a_paused_vm(rig):
    """The VM is what must be told of first; a broken device stays broken all the same."""
    disk = rig.disk()
    ring_faults.zero_size(disk)
    disk.ring.kick()
    path = rig.path("blk0")
    rig.bus.wait(lambda: rig.vm.qmp.execute("x-query-virtio-status", path=path)["broken"], "the device is broken")
    rig.vm.qmp.execute("stop")
    report = rig.report(status=1)
    assert [finding["id"] for finding in report.findings] == ["device-broken", "vm-paused"]


@on("pci-split")
def test_not_started(rig):
    """QEMU waits with -S for somebody to let it begin."""
    rig.add("-S", "-blockdev", NULL)
    rig.add_device("blk", "blk0", drive="d0")
    rig.boot()
    report = rig.report(status=0)
    finding = report.only_finding("vm-paused", severity="note")
    assert finding["summary"].startswith("the VM is stopped: prelaunch, because it has not been started yet")
    assert report.target["run_state"] == "prelaunch"


@on("pci-split")
def test_waits_for_its_state(rig):
    rig.add("-incoming", "defer", "-blockdev", NULL)
    rig.add_device("blk", "blk0", drive="d0")
    rig.boot()
    report = rig.report(status=0)
    finding = report.only_finding("vm-paused", severity="note")
    assert finding["summary"] == "the VM is stopped: inmigrate, because it waits for its state from another host"
    assert "migrate-incoming" in finding["next_step"]


@on("pci-split")
def test_migrated_away(rig):
    """It must not be continued here."""
    disk = rig.disk()
    disk.complete(10)
    rig.vm.qmp.execute("migrate", uri="exec:cat >/dev/null")
    rig.bus.wait(lambda: rig.vm.qmp.execute("query-migrate")["status"] == "completed", "it is migrated")
    report = rig.report(status=0)
    finding = report.only_finding("vm-paused", severity="note")
    assert report.target["run_state"] == "postmigrate"
    assert finding["next_step"] == "look for the VM where it was migrated to"


# Panicked.


@on("pci-split")
def test_guest_panicked(rig):
    """What the pvpanic device's port is for."""
    rig.add("-device", "pvpanic", "-action", "panic=pause", "-blockdev", NULL)
    rig.add_device("blk", "blk0", drive="d0")
    rig.boot()
    rig.bus.outb(PANIC_PORT, 1)
    rig.vm.qmp.wait_event("GUEST_PANICKED")
    report = rig.report(status=1)
    finding = report.only_finding("guest-panicked")
    assert finding["summary"] == "the guest panicked"
    check_evidence(finding, "^run state guest-panicked$")
    assert report.target["run_state"] == "guest-panicked"


@pytest.mark.parametrize("action", ["pause", "none"])
def test_linux_panicked(machines, inspector, action):
    """By a virtual CPU of a guest, which QEMU keeps in mind when it lets the guest go on."""
    disk = ("-blockdev", NULL, "-device", "virtio-blk-pci,id=blk0,drive=d0")
    vm = machines.start("-device", "pvpanic-pci", "-action", f"panic={action}", *disk, guest=True)
    vm.guest.wait_ready()
    inspector.report(vm.pid).assert_healthy()
    oops = "taskset 2 sh -c 'echo c >/proc/sysrq-trigger'"
    vm.guest._channel.send(oops.encode() + b"\n")  # there will be no answer
    machines.give_up(vm)
    vm.qmp.wait_event("GUEST_PANICKED")
    report = inspector.report(vm.pid, status=1)
    finding = report.only_finding("guest-panicked")
    run_state = "guest-panicked" if action == "pause" else "running"
    assert report.target["run_state"] == run_state
    assert [vcpu["panicked"] for vcpu in report.json["vcpus"]] == [False, True]
    check_evidence(finding, f"^run state {run_state}$", r"^vCPU 1 reported it \(crash_occurred\)$")
    QmpOracle(vm.qmp).check_report(report)
    if action == "none":  # else the VM stays stopped
        vm.qmp.execute("system_reset")
        vm.guest.wait_ready()
        inspector.report(vm.pid).assert_healthy()
