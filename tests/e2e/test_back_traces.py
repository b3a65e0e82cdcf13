"""Back traces of the threads of a real QEMU, against those of elfutils' eu-stack, which stops it."""

import re
import shutil
from pathlib import Path

import pytest
from eu_stack import check_threads, eu_stack

from vqitest import InstalledQemu
from vqitest.harm import threads

DEVICES = ["-object", "iothread,id=io0", "-blockdev", "node-name=d0,driver=null-co,size=1048576"]
DEVICES += ["-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0"]
CLOCK_NANOSLEEP = "230"  # of x86-64
TRIES = 20

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def rests(pid):
    """Whether every thread waits for something to happen. What frees by RCU works with short rests at first."""
    calls = [Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()[0] for tid in threads(pid)]
    return not {"running", CLOCK_NANOSLEEP} & set(calls)


def went_on(report, log):
    """Whether a thread that woke up meanwhile was touched for it, or has no back trace."""
    gaps = [thread["stack_gap"] for thread in report.json["threads"]]
    return re.search(r"(ptrace|tkill|tgkill)\(", log.read_text()) or "it went on while it was looked at" in gaps


def look_at_rest(inspector, pid, log):
    """What we say, and eu-stack, while the threads rest: the main loop's timers wake it every few milliseconds. A thread that
    sleeps is not touched."""
    prefix = ["strace", "-f", "-o", log, "-e", "trace=ptrace,kill,tkill,tgkill"]
    for _ in range(TRIES):
        while not rests(pid):
            pass
        report = inspector.report(pid, "--once", "--stacks=all", prefix=prefix)
        if rests(pid) and not went_on(report, log):
            return report, eu_stack("-p", pid)
    raise AssertionError("threads that sleep are touched")


def same_as_eu_stack(inspector, pid, log):
    """The threads, and the functions on their stacks."""
    report, expected = look_at_rest(inspector, pid, log)
    assert report.capture["stopped_us"] == report.capture["stopped_threads"] == 0
    assert set(expected) == set(threads(pid))
    return check_threads(report, expected)


def test_same_as_eu_stack(machines, inspector, tmp_path):
    vm = machines.start(*DEVICES, qtest=True)
    found, names = same_as_eu_stack(inspector, vm.pid, tmp_path / "log")
    assert {"ppoll", "main_loop_wait", "aio_poll", "iothread_run", "qemu_event_wait"} <= names
    (frame,) = (frame for frame in found[vm.pid]["stack"] if frame["function"] == "main_loop_wait")
    assert frame["file"].endswith("main-loop.c") and frame["line"] > 0, "it has debug information"
    assert frame["module"] == "qemu-system-x86_64"


def test_same_as_eu_stack_without_debug_information(machines, inspector, tmp_path):
    vm = machines.start(*DEVICES, "-S", kind=InstalledQemu)
    found, names = same_as_eu_stack(inspector, vm.pid, tmp_path / "log")
    assert {"ppoll", "main_loop_wait", "aio_poll"} <= names, "what it exports for its modules"
    assert {frame["file"] for thread in found.values() for frame in thread["stack"]} == {None}
