"""Core files of QEMU: what they hold is shown as it was shown of the process, and what they do not is said."""

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import odd_qemus
import pytest
from eu_stack import check_threads, eu_stack
from odd_qemus import OddQemu
from rig import GEOMETRY, SLOW, on, on_all
from stuck_requests import submit

from vqitest.inspector import Report

# What is the kernel's to tell, follows from it, or is told of two looks.
NOT_IN_A_CORE = ("host_notifier", "guest_notifier", "findings", "state", "requests", "served_by")
NO_RAM = "guest RAM is not in the core (dump-guest-core=off, or the coredump filter)"
OF_GUEST_RAM = ("avail_idx", "used_ring_idx", "avail_flags", "used_flags", "used_event", "avail_event")
OF_QEMU = ("shadow_avail_idx", "last_avail_idx", "used_idx", "inuse", "signalled_used", "notification", "vector")
PATTERN = Path("/proc/sys/kernel/core_pattern").read_text().strip()


def gcore(pid, folder):
    done = subprocess.run(["gcore", "-o", folder / "core", str(pid)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / f"core.{pid}"


@pytest.fixture
def cores(tmp_path):
    """Makes cores, which are large, and go with the test."""
    yield lambda pid: gcore(pid, tmp_path)
    for path in tmp_path.glob("core*"):
        path.unlink()


def report_of(inspector, core, *arguments, status=4):
    done = inspector.run("--core", core, "--format=json", *arguments)
    assert (done.returncode, done.stderr) == (status, "")
    report = Report(done.stdout, status)
    assert report.target["core"] == str(core)
    assert (report.capture["looks"], report.capture["stopped_threads"]) == (1, 0)
    assert "stuck" not in report.states().values()
    return report


def queues_of(report):
    return {
        (report.label(device), queue["index"]): {
            name: value for name, value in queue.items() if name not in NOT_IN_A_CORE
        }
        for device in report.devices
        for queue in device["queues"]
    }


def without(mapping, *names):
    return {name: value for name, value in mapping.items() if name not in names}


def check_same(core, live):
    """All that is in memory is as it was."""
    assert queues_of(core) == queues_of(live)
    changing = "core", "layout_source", "bql_owner"
    assert without(core.target, *changing) == without(live.target, *changing)
    for one, other in zip(core.devices, live.devices):
        assert without(one, "queues") == without(other, "queues")


def check_only_gap(report):
    (gap,) = report.json["gaps"]
    assert (gap["device"], gap["queue"], gap["what"]) == (None, None, "what the kernel knew")


def functions(stack):
    return [frame["function"] for frame in stack]


@on_all
def test_healthy(rig, cores):
    disk = rig.disk()
    disk.complete(70)
    disk.submit(3)
    disk.ring.wait_used(3)  # not reaped
    live = rig.inspector.report(rig.vm.pid, "--once", "--stop=always", status=None)
    core = cores(rig.vm.pid)
    report = report_of(rig.inspector, core)
    check_same(report, live)
    check_only_gap(report)
    assert report.queue("blk0", 0)["unreaped"]
    assert report.target["pid"] == rig.vm.pid
    text = rig.inspector.run("--core", core).stdout
    assert f"core of pid {rig.vm.pid}" in text and "one look" in text


@on("pci-split", "mmio-packed")
def test_stuck(rig, cores):
    """The requests, the coroutine that each waits in, and where the threads were."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 5)
    live = rig.inspector.report(rig.vm.pid, "--once", "--stacks=all")
    core = cores(rig.vm.pid)
    report = report_of(rig.inspector, core, "--stacks=all")
    check_same(report, live)
    check_only_gap(report)
    requests = report.queue("blk0", 0)["requests"]
    assert len(requests) == 5
    assert requests == live.queue("blk0", 0)["requests"]
    for request in requests:
        assert (request["source"], request["coroutine"], request["age_ms"]) == ("qemu", "waiting", None)
        assert "null_co_preadv" in functions(request["stack"])
        assert request["stack_gap"] is None
    threads, names = check_threads(report, eu_stack(f"--core={core}", f"--executable={odd_qemus.original()}"))
    assert {"main_loop_wait", "qemu_event_wait"} <= names
    main_loop = threads[rig.vm.pid]
    assert (main_loop["role"], main_loop["syscall"], main_loop["state"]) == ("main loop", "ppoll", "?")
    queue_service = report.queue("blk0", 0)["served_by"]
    assert (queue_service["thread"], queue_service["tid"]) == ("main loop", rig.vm.pid)


@on("pci-split", "mmio-packed")
def test_without_guest_ram(rig, cores):
    """QEMU's own side is there; each ring that is not is a gap that says why."""
    rig.add("-machine", "dump-guest-core=off")
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 2)
    live = rig.inspector.report(rig.vm.pid, "--once", "--requests")
    report = report_of(rig.inspector, cores(rig.vm.pid), "--requests")
    queue, before = report.queue("blk0", 0), live.queue("blk0", 0)
    for name in OF_QEMU:
        assert queue[name] == before[name], name
    assert {name: queue[name] for name in OF_GUEST_RAM} == {name: None for name in OF_GUEST_RAM}
    assert report.device("blk0")["status"] == live.device("blk0")["status"]
    rings = [gap for gap in report.json["gaps"] if gap["device"]]
    assert [(gap["device"], gap["queue"], gap["what"], gap["why"]) for gap in rings] == [("blk0", 0, "ring", NO_RAM)]
    assert len(report.json["gaps"]) == 2


def kernel_core(machines, vm):
    """Has the kernel write a core, into the folder that the process works in."""
    folder = Path(os.readlink(f"/proc/{vm.pid}/cwd"))
    before = set(folder.glob("core*"))
    resource.prlimit(vm.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    machines.forget(vm)
    os.kill(vm.pid, signal.SIGABRT)
    os.waitid(os.P_PID, vm.pid, os.WEXITED | os.WNOWAIT)
    (core,) = set(folder.glob("core*")) - before
    return core


@pytest.mark.skipif(not PATTERN.startswith("core"), reason="this kernel gives its cores to a program, or elsewhere")
def test_of_the_kernel(rig, machines, tmp_path, monkeypatch):
    """That leaves out what is in files, and so most of the program."""
    monkeypatch.chdir(tmp_path)
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 3)
    live = rig.inspector.report(rig.vm.pid, "--once", "--stacks")
    core = kernel_core(machines, rig.vm)
    report = report_of(rig.inspector, core, "--stacks")
    core.unlink()
    check_same(report, live)
    assert report.queue("blk0", 0)["requests"] == live.queue("blk0", 0)["requests"]
    (main_loop,) = [thread for thread in report.json["threads"] if thread["role"] == "main loop"]
    assert main_loop["name"] == "qemu-system-x86"
    assert functions(main_loop["stack"])[-1] == "_start"


def test_stripped_and_moved(inspector, machines, tmp_path, cores):
    """A QEMU of which there is a profile, as the crash of a production host leaves it; and it was upgraded since."""
    executable = odd_qemus.strip(tmp_path / "qemu-system-x86_64")
    devices = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0")
    vm = machines.start(*devices, kind=OddQemu, executable=executable, qtest=True)
    live = inspector.report(vm.pid, "--once", "--no-cache")
    core = cores(vm.pid)
    report = report_of(inspector, core, "--no-cache")
    assert report.target["layout_source"] == live.target["layout_source"] == "profile"
    check_same(report, live)
    moved = shutil.copy(executable, tmp_path / "moved")
    executable.unlink()
    stderr = inspector.fails("--core", core, status=3)
    assert str(executable) in stderr and "--exe" in stderr
    check_same(report_of(inspector, core, "--exe", moved, "--no-cache"), live)
    odd_qemus.of_another_build(Path(shutil.copy(moved, executable)))
    assert "another build" in inspector.fails("--core", core, status=3)


def test_cut_short(inspector, machines, cores):
    """The disk was full. The last bytes are section headers, which nobody needs."""
    core = cores(machines.start(qtest=True).pid)
    for size in (core.stat().st_size - 100_000, 10_000_000, 1000, 64, 10):
        os.truncate(core, size)
        stderr = inspector.fails("--core", core, status=3)
        assert str(core) in stderr


def test_of_other_programs(inspector, cores):
    with subprocess.Popen(["sleep", "1000"]) as other:
        core = cores(other.pid)
        other.kill()
    assert "is no QEMU" in inspector.fails("--core", core, status=3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--core", "core", "--pid", "1"],
        ["--core", "core", "--interval", "1"],
        ["--core", "core", "--stop=always"],
        ["--core", "core", "--check"],
        ["--exe", "file", "--pid", "1"],
    ],
    ids=" ".join,
)
def test_wrong_usage(inspector, arguments):
    inspector.fails(*arguments, status=2)


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/", "/nowhere/core", "/proc/self/exe", "/etc/passwd"])
def test_no_core(inspector, path):
    assert path in inspector.fails("--core", path, status=3)


def test_report_file(rig, inspector, tmp_path):
    """What it lacks it says."""
    disk = rig.disk()
    disk.complete(10)
    core, file = gcore(rig.vm.pid, tmp_path), tmp_path / "report.md"
    done = inspector.run("--core", core, "--report", file)
    core.unlink()
    assert (done.returncode, done.stderr) == (4, "")
    missing = file.read_text().partition("\n## Not available\n")[2].partition("\n## ")[0]
    assert "\n- the command line, the package and the host: a core has nothing of them\n" in missing
    assert "## Command line" not in file.read_text()
