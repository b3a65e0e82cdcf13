"""What cannot be inspected, and wrong usage: one line that says so, advice perhaps, the right status, and nothing on stdout."""

import os
import shutil
import subprocess
import sys

import odd_qemus
import pytest
from odd_qemus import OddQemu

from vqitest import qemu_folder
from vqitest.harm import do_no_harm
from vqitest.inspector import Report
from vqitest.qtest import Bus


@pytest.fixture
def child():
    """Starts processes that are killed at the end of the test."""
    started = []

    def start(*command, **more):
        started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **more))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--once"],
        ["--pid"],
        ["--pid", ""],
        ["--pid", "0"],
        ["--pid", "-1"],
        ["--pid", "+1"],
        ["--pid", " 1"],
        ["--pid", "12x"],
        ["--pid", "0x12"],
        ["--pid", "1.5"],
        ["--pid", "4294967297"],
        ["--pid", "99999999999999999999"],
        ["--pid", "1", "--pid", "2"],
        ["--pid", "1", "2"],
        ["1"],
        ["--pid", "1", "--queue", "-1"],
        ["--pid", "1", "--queue", "x"],
        ["--pid", "1", "--queue", "99999999999"],
        ["--pid", "1", "--queue", ""],
        ["--pid", "1", "--interval", "-1"],
        ["--pid", "1", "--interval", "0"],
        ["--pid", "1", "--interval", "1s"],
        ["--pid", "1", "--interval", "nan"],
        ["--pid", "1", "--interval", "inf"],
        ["--pid", "1", "--interval", "1e300"],
        ["--pid", "1", "--interval", ""],
        ["--pid", "1", "--stop=sometimes"],
        ["--pid", "1", "--stop"],
        ["--pid", "1", "--format=xml"],
        ["--pid", "1", "--format="],
        ["--pid", "1", "--color=pink"],
        ["--pid", "1", "--no-such-option"],
        ["--pid", "1", "-Z"],
        ["--pid", "1", "--once=1"],
        ["--pid", "1", "--once", "--interval", "1"],
        ["--pid", "1", "--quiet", "--format=json"],
        ["--pid", "1", "--quiet", "--verbose"],
        ["--pid", "1", "--layout", "x", "--debuginfo", "y"],
    ],
    ids=" ".join,
)
def test_usage(inspector, arguments):
    inspector.fails(*arguments, status=2)


def test_no_such_process(inspector):
    stderr = inspector.fails("--pid", 2**31 - 1, status=3)
    assert str(2**31 - 1) in stderr


def test_ended_process(inspector, child):
    """It has ended, and its parent has not asked for its status yet."""
    zombie = child("true")
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    inspector.fails("--pid", zombie.pid, status=3)


def test_killed_between_the_looks(machines, inspector):
    vm = machines.start(qtest=True)

    def kill():
        machines.forget(vm)
        vm.process.kill()
        vm.process.wait()

    said = inspector.between_the_looks("--pid", vm.pid, do=kill)
    assert said == (3, "", f"virtq-inspect: process {vm.pid} ended while it was inspected\n")


EJECT = 0xAE08  # hw/acpi/pcihp.c, PCI_EJ_BASE


@pytest.mark.parametrize("queue", [[], ["--queue=0"]], ids=["all", "queue"])
def test_unplugged_between_the_looks(machines, inspector, queue):
    vm = machines.start("-device", "virtio-rng-pci,id=rng0,addr=5", machine="pc", qtest=True)

    def unplug():
        vm.qmp.execute("device_del", id="rng0")
        Bus(vm.qtest).outl(EJECT, 1 << 5)
        vm.qmp.wait_event("DEVICE_DELETED")

    status, stdout, stderr = inspector.between_the_looks("--pid", vm.pid, "--format=json", *queue, do=unplug)
    assert (status, stderr) == (0, "")
    report = Report(stdout, status)
    assert (report.json["unplugged"], report.devices) == (["rng0"], [])


def test_not_a_qemu(inspector, child):
    process = child(sys.executable, "-c", "print('ready', flush=True); import time; time.sleep(1000)")
    assert process.stdout.readline() == b"ready\n"
    stderr = inspector.fails("--pid", process.pid, status=3)
    assert "QEMU" in stderr and str(process.pid) in stderr
    do_no_harm(process.pid)


def test_named_like_a_qemu(inspector, child, tmp_path):
    """A name proves nothing."""
    copy = tmp_path / "qemu-system-x86_64"
    shutil.copy(shutil.which("sleep"), copy)
    process = child(copy, "1000")
    stderr = inspector.fails("--pid", process.pid, status=3)
    assert "QEMU" in stderr
    do_no_harm(process.pid)


def test_its_own_kind(inspector):
    """The test itself, and a thread of the kernel where there is one."""
    inspector.fails("--pid", os.getpid(), status=3)
    if os.path.exists("/proc/2") and not os.path.exists("/proc/2/exe"):
        inspector.fails("--pid", 2, status=3)


def test_layout_is_missing(inspector, machines, tmp_path):
    """A QEMU of which nothing is known, without a device from which something could be derived: what to install is said."""
    copy = odd_qemus.of_another_build(odd_qemus.strip(tmp_path / "qemu-system-x86_64"), "1.0.1")
    vm = machines.start(kind=OddQemu, executable=copy, qtest=True)
    stderr = inspector.fails("--pid", vm.pid, status=3)
    assert f"no debug information for {copy}, build-id {odd_qemus.build_id(copy)}" in stderr
    assert "no layout profile fits: there is none of QEMU 1.0.1" in stderr
    assert "none can be derived: " in stderr
    assert "dbgsym" in stderr or "debuginfo" in stderr
    assert "DEBUGINFOD_URLS" in stderr


def test_exporting_into_a_device(inspector, machines):
    """It is not replaced by a file."""
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    assert "/dev/full is no regular file" in inspector.fails("--pid", vm.pid, "--export-layout", "/dev/full", status=2)
    assert os.path.exists("/dev/full") and not os.path.isfile("/dev/full")


def test_debuginfo_is_given(inspector, machines, tmp_path):
    copy = odd_qemus.strip(tmp_path / "qemu-system-x86_64")
    vm = machines.start("-device", "virtio-balloon-pci", kind=OddQemu, executable=copy, qtest=True)
    report = inspector.report(vm.pid, "--debuginfo", qemu_folder() / "qemu-system-x86_64")
    assert report.target["layout_source"] == "dwarf"
    assert [device["type"] for device in report.devices] == ["virtio-balloon"]


def test_huge_profile(inspector, machines, tmp_path):
    """It is not read."""
    huge = tmp_path / "huge.json"
    with huge.open("w") as file:
        file.truncate(1 << 40)
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    assert "too large" in inspector.fails("--pid", vm.pid, "--layout", huge, status=3)


@pytest.mark.parametrize("debuginfo", ["/no/such/file", "/dev/null", "/proc/self/exe", "/"])
def test_wrong_debuginfo(inspector, machines, debuginfo):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    inspector.fails("--pid", vm.pid, "--debuginfo", debuginfo, status=3)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to be somebody else")
def test_no_permission(inspector, machines, tmp_path):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    copy = tmp_path / "virtq-inspect"
    shutil.copy(inspector.path, copy)
    copy.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and str(folder) not in ("/", "/tmp"):
            folder.chmod(0o755)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "--pid", str(vm.pid)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env={"HOME": "/nonexistent"}
    )
    assert done.returncode == 3, done
    assert done.stdout == ""
    assert str(vm.pid) in done.stderr.splitlines()[0]
    assert any(word in done.stderr.lower() for word in ("permission", "permitted", "denied", "no access")), done.stderr
    assert "CAP_SYS_PTRACE" in done.stderr


def wait_asleep(process):
    """Until it waits between two looks. There is nothing to wait on, so ask again and again."""
    clock_nanosleep = b"230 "
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/syscall", "rb") as file:
                if file.read().startswith(clock_nanosleep):
                    return
        except (FileNotFoundError, ProcessLookupError):
            pass


def test_target_ends_between_looks(inspector, machines):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    command = inspector.command("--pid", vm.pid, "--interval", "3")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=inspector.env, stdin=subprocess.DEVNULL
    )
    wait_asleep(process)
    machines.forget(vm).__exit__(None, None, None)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (3, "")
    assert str(vm.pid) in stderr.splitlines()[0]


def test_target_changes_between_looks(inspector, machines):
    """A device is plugged in, and all are reset."""
    port = "pcie-root-port,id=rp0,chassis=1"
    vm = machines.start("-device", port, "-device", "virtio-balloon-pci,id=balloon0", qtest=True)
    command = inspector.command("--pid", vm.pid, "--interval", "1", "--format=json")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=inspector.env, stdin=subprocess.DEVNULL
    )
    wait_asleep(process)
    vm.qmp.execute("device_add", driver="virtio-rng-pci", id="new", bus="rp0")
    vm.qmp.execute("system_reset")
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode in (0, 4), stderr
    assert '"findings":[]' in stdout


def test_closed_descriptors(inspector, machines):
    """Started by somebody who closed them all."""
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    done = inspector.run("--pid", vm.pid, "--once", prefix=shell)
    assert done.returncode == 3
    shell = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh"]
    done = inspector.run("--pid", vm.pid, "--once", prefix=shell)
    assert done.returncode == 0
    assert "balloon" in done.stdout
