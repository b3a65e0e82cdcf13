"""Choosing what to inspect and how to print it."""

import json
import subprocess

import pytest
from rig import GEOMETRY, SLOW, on

NULL = "null-co,size=1048576,read-zeroes=on"
ARGUMENTS = [
    *("-name", "guest=web1,debug-threads=on"),
    *("-object", "rng-builtin,id=r0"),
    *("-blockdev", f"node-name=node0,driver={NULL}"),
    *("-drive", f"if=none,id=drive1,driver={NULL}"),
    *("-netdev", "hubport,id=n0,hubid=0"),
    *("-chardev", "null,id=c0"),
    *("-device", "virtio-blk-pci,id=blk0,drive=node0,addr=0x4,num-queues=2"),
    *("-device", "virtio-blk-pci,id=blk1,drive=drive1,addr=0x5,num-queues=1"),
    *("-device", "virtio-net-pci,id=net0,netdev=n0,addr=0x6,mac=52:54:00:12:34:56"),
    *("-device", "virtio-rng-pci,rng=r0,addr=0x7"),
    *("-device", "virtio-serial-pci,id=serial0,addr=0x8,max_ports=2"),
    *("-device", "virtserialport,chardev=c0,bus=serial0.0"),
]
RNG = "/machine/peripheral-anon/device[0]/virtio-backend"
ALL = {"blk0", "blk1", "net0", RNG, "serial0"}


@pytest.fixture
def vm(machines):
    return machines.start(*ARGUMENTS, qtest=True)


def labels(report):
    return {report.label(device) for device in report.devices}


def test_all_devices(vm, inspector):
    report = inspector.report(vm.pid)
    report.assert_healthy()
    assert labels(report) == ALL
    assert report.target["vm_name"] == "web1"
    assert report.target["pid"] == vm.pid
    assert report.target["kind"] == "qemu"
    assert {device["type"] for device in report.devices} == {"virtio-blk", "virtio-net", "virtio-rng", "virtio-serial"}
    paths = [device["qom_path"] for device in report.devices]
    assert paths == sorted(paths)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("blk0", {"blk0"}),
        ("/machine/peripheral/blk0/virtio-backend", {"blk0"}),
        ("/machine/peripheral/blk0", {"blk0"}),
        (RNG, {RNG}),
        ("0000:00:06.0", {"net0"}),
        ("node0", {"blk0"}),
        ("drive1", {"blk1"}),
        ("n0", {"net0"}),
        ("c0", {"serial0"}),
        ("virtio-blk0", {"blk0"}),
        ("virtio-blk1", {"blk1"}),
        ("virtio-net0", {"net0"}),
        ("virtio-rng0", {RNG}),
        ("virtio-blk", {"blk0", "blk1"}),
    ],
)
def test_device(vm, inspector, selector, expected):
    assert labels(inspector.report(vm.pid, "--device", selector)) == expected
    assert labels(inspector.report(vm.pid, "-d", selector, "--once")) == expected


def test_device_is_repeatable(vm, inspector):
    report = inspector.report(vm.pid, "-d", "net0", "-d", "virtio-blk1", "--device=net0")
    assert labels(report) == {"net0", "blk1"}


@pytest.mark.parametrize("selector", ["blk9", "virtio-blk2", "0000:00:1e.0", "blk", "/machine", "virtio-", "blk0 ", ""])
def test_no_such_device(vm, inspector, selector):
    stderr = inspector.fails("--pid", vm.pid, "--device", selector, status=2)
    if selector:
        assert selector in stderr.splitlines()[0]
        for label in ALL:
            assert label in stderr


def test_one_of_two_is_missing(vm, inspector):
    stderr = inspector.fails("--pid", vm.pid, "-d", "blk0", "-d", "blk9", status=2)
    assert "blk9" in stderr.splitlines()[0]


def test_queue(vm, inspector):
    report = inspector.report(vm.pid, "--queue", 1)
    found = {report.label(device): [queue["index"] for queue in device["queues"]] for device in report.devices}
    assert {name: queues for name, queues in found.items() if queues} == {"blk0": [1], "net0": [1], "serial0": [1]}
    assert list(report.states()) == [("blk0", 1), ("net0", 1), ("serial0", 1)]
    report = inspector.report(vm.pid, "-d", "blk0", "-q", "0")
    assert list(report.states()) == [("blk0", 0)]


@pytest.mark.parametrize("arguments", [["-q", "1000"], ["-d", "blk1", "-q", "1"]])
def test_no_such_queue(vm, inspector, arguments):
    inspector.fails("--pid", vm.pid, *arguments, status=2)


def test_selection_decides_the_exit_status(rig):
    """What was not asked about is not found."""
    rig.add("-blockdev", SLOW, "-blockdev", "null-co,node-name=d1,size=1048576,read-zeroes=on")
    rig.add_device("blk", "stuck", drive="d0", num_queues=1, **GEOMETRY)
    rig.add_device("blk", "idle", drive="d1", num_queues=1)
    rig.boot()
    from vqitest.driver import Disk

    stuck = Disk(rig.drive("stuck", {0: 64}))
    rig.drive("idle", {0: 64})
    stuck.submit(2, "read")
    rig.wait_taken(stuck.ring)
    pid, inspector = rig.vm.pid, rig.inspector
    inspector.report(pid, "-d", "stuck", status=1).only_finding("request-stuck-in-device", "stuck", 0)
    inspector.report(pid, "-d", "idle", status=0).assert_healthy()
    for arguments, status in (([], 1), (["-d", "stuck"], 1), (["-d", "idle"], 0), (["--once"], 0)):
        done = inspector.run("--pid", pid, "--quiet", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


@on("pci-split", "mmio-packed")
@pytest.mark.parametrize("stuck", ["before", "in", "after"])
def test_once_calls_nothing_stuck(rig, stuck):
    disk = rig.disk(SLOW if stuck == "in" else NULL + ",node-name=d0", **GEOMETRY)
    if stuck == "after":
        disk.complete(1)
        disk.submit(2)
        disk.ring.wait_used(2)
    elif stuck == "in":
        disk.submit(2, "read")
        rig.wait_taken(disk.ring)
    else:
        disk.read()
        disk.ring.publish()
    report = rig.report("--once", status=0)
    assert [finding for finding in report.findings if finding["severity"] == "error"] == []
    assert report.findings == []
    assert report.queue("blk0", 0)["state"] == "busy"
    assert (report.capture["looks"], report.capture["interval_ms"]) == (1, 0)


def test_once_still_sees_what_is_broken(rig):
    disk = rig.disk()
    disk.ring.set_avail_idx(disk.ring.num + 1)
    disk.ring.kick()
    path = rig.path("blk0")
    rig.bus.wait(lambda: rig.vm.qmp.execute("x-query-virtio-status", path=path)["broken"], "the device is broken")
    assert [finding["id"] for finding in rig.report("--once", status=1).findings] == ["device-broken"]


@pytest.mark.parametrize("seconds", ["0.001", "0.05", "1"])
def test_interval(vm, inspector, seconds):
    capture = inspector.report(vm.pid, "--interval", seconds).capture
    assert capture["looks"] == 2
    assert float(seconds) * 1000 <= capture["interval_ms"] + 1 <= float(seconds) * 1000 + 1000


def test_json_is_one_line(vm, inspector):
    done = inspector.run("--pid", vm.pid, "-f", "json", "--once")
    assert done.stdout.count("\n") == 1
    json.loads(done.stdout)


def test_text(vm, inspector):
    text = inspector.text(vm.pid)
    assert "\x1b" not in text
    assert str(vm.pid) in text and "web1" in text and "QEMU " in text
    verbose = inspector.text(vm.pid, "--verbose")
    assert len(verbose.splitlines()) > len(text.splitlines())
    for name in ("blk0", "net0"):
        assert name in verbose


def test_text_says_what_is_wrong_first(rig):
    disk = rig.disk(SLOW, **GEOMETRY)
    disk.submit(2, "read")
    rig.wait_taken(disk.ring)
    text = rig.inspector.text(rig.vm.pid, status=1)
    assert "request-stuck-in-device" in text
    assert text.index("request-stuck-in-device") < text.index("DEVICE")
    assert "blk0" in text and "d0" in text


def test_color(rig):
    disk = rig.disk(SLOW, **GEOMETRY)
    disk.submit(1, "read")
    rig.wait_taken(disk.ring)
    pid, inspector = rig.vm.pid, rig.inspector
    plain = inspector.text(pid, "--interval", "0.01", status=1)
    assert "\x1b[" not in plain
    assert "\x1b[" in inspector.text(pid, "--color=always", status=1)
    assert "\x1b[" not in inspector.text(pid, "--color=never", status=1, env={"CLICOLOR_FORCE": "1"})
    assert "\x1b[" in inspector.text(pid, status=1, env={"CLICOLOR_FORCE": "1"})
    assert "\x1b[" not in inspector.text(pid, status=1, env={"NO_COLOR": "1"})


def test_help_and_version(inspector):
    for option in ("--help", "--version"):
        done = inspector.run(option)
        assert (done.returncode, done.stderr) == (0, "")
        assert "virtq-inspect" in done.stdout
    help_text = inspector.run("--help").stdout
    for option in ("--pid", "--device", "--queue", "--once", "--interval", "--format", "--color", "--stop", "--quiet"):
        assert option in help_text


def test_full_disk(vm, inspector):
    """A report that could not be written is not a success."""
    with open("/dev/full", "w") as full:
        command = inspector.command("--pid", vm.pid, "--once")
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=inspector.env)
    assert done.returncode == 3
    assert "No space left" in done.stderr
