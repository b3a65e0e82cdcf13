"""A real Linux guest doing real I/O: nothing is found while it is well, and what hangs is found."""

import re

import pytest
from gdb_oracle import check_with_gdb
from oracle import QmpOracle

from vqitest.inspector import check_evidence

NULL = "driver=null-co,size=1073741824,read-zeroes=on"
DISKS = {
    "plain": "",
    "threaded": ",iothread=io0",
    "many": ",num-queues=2",
    "packed": ",packed=on",
}
# What limits a disk to nothing: a request counts as many as it has 512 bytes, and one a second may pass.
HANG = {"iops-total": 1, "iops-size": 512}


def arguments(image):
    yield from ("-name", "linux", "-object", "iothread,id=io0", "-object", "rng-builtin,id=r0")
    yield from ("-object", "throttle-group,id=limits")
    for name, properties in DISKS.items():
        yield from ("-blockdev", f"node-name=n-{name},{NULL}")
        yield from ("-device", f"virtio-blk-pci,id={name},drive=n-{name},serial={name}{properties}")
    yield from ("-blockdev", f"node-name=image,driver=file,filename={image}")
    yield from ("-blockdev", "node-name=limited,driver=throttle,throttle-group=limits,file=image")
    yield from ("-device", "virtio-blk-pci,id=hangs,drive=limited,serial=hangs")
    yield from ("-device", "virtio-scsi-pci,id=scsi0", "-blockdev", f"node-name=n-scsi,{NULL}")
    yield from ("-device", "scsi-hd,drive=n-scsi,bus=scsi0.0,serial=scsi")
    yield from ("-netdev", "user,id=user", "-device", "virtio-net-pci,id=net0,netdev=user")
    yield from ("-device", "virtio-rng-pci,id=rng0,rng=r0", "-device", "virtio-balloon-pci,id=balloon0")
    yield from ("-chardev", "file,id=c0,path=/dev/null", "-device", "virtio-serial-pci,id=serial0")
    yield from ("-device", "virtserialport,chardev=c0,bus=serial0.0", "-device", "virtio-keyboard-pci,id=keyboard0")


@pytest.fixture
def vm(machines, tmp_path):
    image = tmp_path / "disk.img"
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    machine = machines.start(*arguments(image), guest=True, smp=2)
    machine.guest.wait_ready()
    machine.guest.check("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up")
    return machine


DEVICES = {*DISKS, "hangs", "scsi0", "net0", "rng0", "balloon0", "serial0", "keyboard0"}


def start_load(vm):
    """Endless work for every device that can have some. It ends when /tmp/enough appears."""
    loop = "while [ ! -e /tmp/enough ]; do {}; done"
    for name in (*DISKS, "hangs"):
        disk = vm.guest.disk(name)
        vm.guest.spawn(loop.format(f"dd if=/dev/{disk} of=/dev/null bs=64k count=64 iflag=direct"))
        vm.guest.spawn(loop.format(f"dd if=/dev/zero of=/dev/{disk} bs=4k count=64 oflag=direct"))
    vm.guest.spawn(loop.format("dd if=/dev/sda of=/dev/null bs=64k count=64 iflag=direct"))
    vm.guest.spawn(loop.format("ping -c 3 -A 10.0.2.2"))
    vm.guest.spawn(loop.format("dd if=/dev/hwrng of=/dev/null bs=64 count=4"))
    vm.guest.spawn(loop.format("dd if=/dev/zero of=$(ls /dev/vport*) bs=64 count=100"))


def used(vm, name, queue=0):
    """How far a queue has come, for QMP."""
    return QmpOracle(vm.qmp).queue(f"/machine/peripheral/{name}/virtio-backend", queue)


def wait_moving(vm, names):
    """Until every one of these has done something."""
    for name in names:
        before = used(vm, name)["used_idx"]
        for _ in range(1000):
            if used(vm, name)["used_idx"] != before:
                break
            vm.guest.check("usleep 10000")
        else:
            pytest.fail(f"{name} does not move")


def check_all(vm, report):
    assert {report.label(device) for device in report.devices} == DEVICES
    QmpOracle(vm.qmp).check_report(report)
    check_with_gdb(report, vm.pid)


def test_idle(vm, inspector):
    report = inspector.report(vm.pid)
    report.assert_healthy()
    states = report.states()
    assert states["net0", 0] == "parked"
    assert states["scsi0", 1] == "parked"
    assert states["keyboard0", 0] == "parked"
    assert states["plain", 0] == "idle"
    assert {state for state in states.values()} <= {"idle", "parked", "disabled"}
    # All is quiet, but a late timer of the guest may still move a queue between our look and theirs.
    vm.qmp.execute("stop")
    paused = inspector.report(vm.pid)
    paused.only_finding("vm-paused", severity="note")
    check_all(vm, paused)
    vm.qmp.execute("cont")
    inspector.report(vm.pid).assert_healthy()


@pytest.mark.parametrize("stop", ["never", "auto", "always"])
def test_under_load(vm, inspector, stop):
    start_load(vm)
    wait_moving(vm, [*DISKS, "hangs"])
    for turn in range(10):
        vm.qmp.execute("balloon", value=(200 + turn % 2 * 32) << 20)
        report = inspector.report(vm.pid, f"--stop={stop}", "--interval", "0.1", status=None)
        assert report.findings == []
        # Without stopping anything, a busy ring may have no two equal readings: then that is said.
        if stop != "never":
            report.assert_healthy()
            assert report.json["exit_status"] == 0
    wait_moving(vm, [*DISKS, "hangs"])
    for name, queue in (("balloon0", 0), ("serial0", 5), ("rng0", 0), ("net0", 1), ("scsi0", 2)):
        assert used(vm, name, queue)["used_idx"], f"{name} queue {queue} had nothing to do"
    # Caught in the act: nothing moves, and many requests are under way.
    vm.qmp.execute("stop")
    report = inspector.report(vm.pid, f"--stop={stop}")
    report.only_finding("vm-paused", severity="note")
    check_all(vm, report)
    vm.qmp.execute("cont")
    wait_moving(vm, [*DISKS, "hangs"])
    vm.guest.check("touch /tmp/enough")


def set_limits(vm, **limits):
    limits = {name.replace("_", "-"): value for name, value in limits.items()}
    vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value=limits)


def test_disk_hangs(vm, inspector):
    disk = vm.guest.disk("hangs")
    inspector.report(vm.pid).assert_healthy()
    set_limits(vm, **HANG)
    # The first request passes and uses up the limit for two minutes.
    vm.guest.check(f"dd if=/dev/{disk} of=/dev/null bs=64k count=1 iflag=direct")
    for place in range(3):
        vm.guest.spawn(f"dd if=/dev/{disk} of=/dev/null bs=64k count=1 skip={10 + 5 * place} iflag=direct")
    vm.guest.check(f"until read r w </sys/block/{disk}/inflight && [ $r -eq 3 ]; do usleep 10000; done")

    for options in ([], ["--stop=always"], ["--stop=never", "-d", "hangs"]):
        report = inspector.report(vm.pid, *options, status=1)
        blamed = [(finding["id"], finding["device"], finding["severity"]) for finding in report.findings]
        assert set(blamed) == {("request-stuck-in-device", "hangs", "error")}
        for finding in report.findings:
            assert re.search("; throttle group limits holds (it|them) back$", finding["summary"])
            check_evidence(finding, "^node limited: 3 wait in throttle group limits$")
        queues = [finding["queue"] for finding in report.findings]
        assert len(set(queues)) == len(queues), "said twice of one queue"
        assert sum(queue["in_flight"] for queue in report.device("hangs")["queues"]) == 3
        assert report.json["gaps"] == []
    # The VM cannot be stopped for this, which would wake the requests; its other devices move on meanwhile.
    hung = inspector.report(vm.pid, "-d", "hangs", status=1)
    QmpOracle(vm.qmp).check_report(hung, only="hangs")
    check_with_gdb(hung, vm.pid)
    text = inspector.text(vm.pid, status=1)
    assert text.count("request-stuck-in-device") == len(queues)

    # We only looked: when the limit is gone, all requests come back. A drain wakes those that sleep.
    set_limits(vm, iops_total=0, iops_size=0)
    vm.qmp.execute("stop")
    vm.qmp.execute("cont")
    vm.guest.check(f"until read r w </sys/block/{disk}/inflight && [ $((r + w)) -eq 0 ]; do usleep 10000; done")
    vm.guest.check(f"dd if=/dev/{disk} of=/dev/null bs=64k count=4 iflag=direct")
    inspector.report(vm.pid).assert_healthy()


def test_disk_is_full(machines, inspector):
    """The guest writes, the host has no space: QEMU stops the VM, and that is said once."""
    disk = '{"driver":"blkdebug","node-name":"d0","image":{"driver":"null-co","size":1048576,"read-zeroes":true},'
    disk += '"inject-error":[{"event":"none","iotype":"write","errno":28}]}'
    vm = machines.start("-blockdev", disk, "-device", "virtio-blk-pci,id=full,drive=d0", guest=True)
    vm.guest.wait_ready()
    # The guest will not come back with an answer.
    vm.guest._channel.send(b"dd if=/dev/zero of=/dev/vda bs=4k count=1 oflag=direct\n")
    vm.qmp.wait_event("STOP")
    report = inspector.report(vm.pid, status=1)
    finding = report.only_finding("vm-paused")
    assert finding["summary"].startswith("the VM is stopped: io-error, because a disk failed")
    assert finding["summary"].endswith("; there is no space left")
    check_evidence(finding, "^full: iostatus nospace$", "^1 request parked until the VM goes on$")
    assert {state for state in report.states().values()} <= {"paused", "disabled"}
    QmpOracle(vm.qmp).check_report(report)
    check_with_gdb(report, vm.pid)


def test_before_the_driver_loads(machines, inspector):
    """The firmware is at work, or the kernel: whatever it does with the devices, nothing is wrong."""
    vm = machines.start("-blockdev", f"node-name=d0,{NULL}", "-device", "virtio-blk-pci,id=early,drive=d0", guest=True)
    for _ in range(5):
        report = inspector.report(vm.pid, "--interval", "0.05", status=None)
        assert report.findings == []
    vm.guest.wait_ready()
    inspector.report(vm.pid).assert_healthy()
