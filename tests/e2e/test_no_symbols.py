"""A QEMU that says nothing of itself: no debug information, no symbols, next to nothing exported. Variables are told by
what they hold; those that are not are unknown."""

import json
from pathlib import Path

import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import QmpOracle, check_settled
from rig import GEOMETRY, NULL, SLOW, on

from vqitest import StorageDaemon
from vqitest.driver import Disk
from vqitest.inspector import check_evidence
from vqitest.profile import sign

MICROVM = Path("/usr/bin/qemu-system-x86_64-microvm")
UNKNOWN = ["bql_owner", "run_state"]
# That emulator has no TCG, and hence another struct CPUState.
OF_MICROVM = [*UNKNOWN, "vcpus"]
DEVICES = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0")


@pytest.fixture
def profile(machines, inspector, tmp_path):
    """Of a QEMU of the same sources that has debug information."""
    path = tmp_path / "profile.json"
    vm = machines.start("-device", "virtio-rng-pci", qtest=True)
    inspector.text(vm.pid, "--no-cache", "--export-layout", path)
    return path


@pytest.fixture
def microvm(rig):
    """The distribution's own small emulator, which exports five symbols and knows no other accelerators than KVM and qtest."""
    if odd_qemus.version_of(MICROVM) != odd_qemus.version_of(odd_qemus.original()):
        pytest.skip("the distribution has another version")

    def microvm(blockdev, **properties):
        rig.add("-object", "iothread,id=io0", "-blockdev", blockdev)
        rig.add_device("blk", "blk0", drive="d0", num_queues=1, **properties)
        rig.add_device("rng", "rng0")
        rig.boot(kind=OddQemu, executable=MICROVM)
        rig.drive("rng0", {0: 8})
        return Disk(rig.drive("blk0", {0: 256}))

    return microvm


@on("mmio-split", "mmio-packed")
def test_microvm(rig, microvm, profile):
    disk = microvm(NULL)
    disk.submit(3)
    disk.ring.wait_used(3)
    disk.ring.reap()
    for more in (["--layout", profile], ["--no-cache"]):  # and the profile that comes with the program
        report = rig.inspector.report(rig.vm.pid, *more)
        report.assert_healthy()
        assert report.target["layout_source"] == "profile"
        assert {device["transport"]["type"] for device in report.devices} == {"mmio"}
        assert report.states()["blk0", 0] == "idle"
        rig.oracle.check_report(report, unknown=OF_MICROVM)


@on("mmio-split")
def test_microvm_with_a_hung_disk(rig, microvm, profile):
    disk = microvm(SLOW, **GEOMETRY)
    disk.submit(3, "write")
    rig.wait_taken(disk.ring)
    report = rig.inspector.report(rig.vm.pid, "--layout", profile, status=1)
    finding = report.only_finding("request-stuck-in-device", "blk0", 0)
    assert finding["summary"].endswith("; they are in the block layer, node d0")
    rig.oracle.check_report(report, unknown=OF_MICROVM)


@on("mmio-split")
def test_microvm_is_paused(rig, microvm, profile):
    """The run state is unknown; that the devices do not run is not."""
    microvm(NULL)
    rig.vm.qmp.execute("stop")
    report = rig.inspector.report(rig.vm.pid, "--layout", profile, status=None)
    assert report.target["run_state"] is None
    report.only_finding("vm-paused", severity="note")


@pytest.fixture
def nameless(machines, tmp_path):
    """The QEMU under test without symbols, of a build of which no profile has the variables."""
    copy = odd_qemus.of_another_build(odd_qemus.strip(tmp_path / "qemu-system-x86_64"))

    def nameless(*arguments, **more):
        return machines.start(*arguments, kind=OddQemu, executable=copy, **more)

    return nameless


def test_linux(nameless, inspector, profile):
    """Idle, and with a disk that hangs as its throttle group has been tightened."""
    disk = ("-object", "throttle-group,id=limits", "-blockdev", NULL.replace("d0", "disk"))
    disk += ("-blockdev", "throttle,node-name=d0,throttle-group=limits,file=disk", "-object", "iothread,id=io0")
    disk += ("-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0,num-queues=1")
    vm = nameless(*disk, *DEVICES, guest=True)
    vm.guest.wait_ready()
    report = inspector.report(vm.pid, "--layout", profile)
    report.assert_healthy()
    check_settled(QmpOracle(vm.qmp), lambda: inspector.report(vm.pid, "--layout", profile), unknown=UNKNOWN)
    vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value={"iops-total": 1, "iops-size": 512})
    vm.guest.spawn("dd if=/dev/vda of=/dev/null bs=4M iflag=direct")
    while not (hung := inspector.report(vm.pid, "--layout", profile, status=None)).findings:
        pass
    finding = hung.only_finding("request-stuck-in-device", "blk0", 0)
    assert finding["summary"].endswith("; throttle group limits holds them back")
    check_evidence(finding, "^the iothread io0 listens for its kicks", r"^thread \d+, iothread io0 \(.*\): state S in ")
    check_settled(QmpOracle(vm.qmp), lambda: inspector.report(vm.pid, "--layout", profile, status=None), unknown=UNKNOWN)
    vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value={"iops-total": 0, "iops-size": 0})


def test_vhost(nameless, inspector, profile, tmp_path):
    """A disk whose ring another process runs: it is in a list of QEMU's."""
    blockdev = ("--blockdev", NULL.replace("d0", "n0"))
    export = f"vhost-user-blk,id=e0,node-name=n0,writable=on,addr.type=unix,addr.path={tmp_path}/disk.sock"
    with StorageDaemon(*blockdev, "--export", export):
        memory = ("-object", "memory-backend-memfd,id=memory,size=256M,share=on")
        disk = ("-chardev", f"socket,id=c0,path={tmp_path}/disk.sock", "-device", "vhost-user-blk-pci,id=vu0,chardev=c0,num-queues=1")
        vm = nameless(*memory, *disk, *DEVICES, machine="q35,memory-backend=memory", guest=True)
        vm.guest.wait_ready()
        vm.guest.check("dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct")
        report = inspector.report(vm.pid, "--layout", profile)
        report.assert_healthy()
        assert report.device("vu0")["vhost"]["type"] == "user"
        assert report.device("rng0")["vhost"] is None
        check_settled(QmpOracle(vm.qmp), lambda: inspector.report(vm.pid, "--layout", profile), unknown=UNKNOWN)


def test_export(nameless, inspector, profile):
    """Where variables were found is not for others."""
    vm = nameless(*DEVICES, qtest=True)
    layout = json.loads(inspector.text(vm.pid, "--layout", profile, "--export-layout=-"))
    assert layout["symbols"] == {}
    assert layout["structs"] == json.loads(profile.read_text())["structs"]


def test_nothing_is_found(nameless, inspector, profile):
    vm = nameless(*DEVICES, qtest=True)
    layout = json.loads(profile.read_text())
    layout["structs"]["TypeImpl"]["fields"]["class"]["offset"] = layout["structs"]["TypeImpl"]["size"] - 8
    profile.write_text(json.dumps(sign(layout)))
    stderr = inspector.fails("--pid", vm.pid, "--layout", profile, status=3)
    assert "no symbols current_machine and main_system_bus: none of its variables holds a machine or a system bus" in stderr
    del layout["structs"]["TypeImpl"]["fields"]["class"]
    profile.write_text(json.dumps(sign(layout)))
    stderr = inspector.fails("--pid", vm.pid, "--layout", profile, status=3)
    assert "no symbols current_machine and main_system_bus: TypeImpl.class is unknown" in stderr
