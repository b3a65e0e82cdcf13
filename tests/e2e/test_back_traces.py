"""Back traces of the threads of a real QEMU, against those of elfutils' eu-stack, which stops it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vqitest import InstalledQemu
from vqitest.harm import threads

DEVICES = ["-object", "iothread,id=io0", "-blockdev", "node-name=d0,driver=null-co,size=1048576"]
DEVICES += ["-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0"]
CLOCK_NANOSLEEP = "230"  # of x86-64
TRIES = 20

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def eu_stack(pid):
    """{tid: [(pc, function or None)]}"""
    done = subprocess.run(["eu-stack", "-p", str(pid)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found, frames = {}, None
    for line in done.stdout.splitlines():
        if thread := re.match(r"TID (\d+):", line):
            frames = found[int(thread[1])] = []
        elif frame := re.match(r"#\d+ +0x([0-9a-f]+)(?: - 1)? *([^\s@]*)", line):
            frames.append((int(frame[1], 16), frame[2].strip("_") or None))
    return found


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
            return report, eu_stack(pid)
    raise AssertionError("threads that sleep are touched")


def same_as_eu_stack(inspector, pid, log):
    """The threads, and the functions on their stacks."""
    report, expected = look_at_rest(inspector, pid, log)
    assert report.capture["stopped_us"] == report.capture["stopped_threads"] == 0
    found = {thread["tid"]: thread for thread in report.json["threads"]}
    assert set(found) == set(expected) == set(threads(pid))
    named, names = 0, set()
    for tid, frames in expected.items():
        stack = found[tid]["stack"]
        assert found[tid]["stack_gap"] is None
        assert [int(frame["pc"], 16) for frame in stack] == [pc for pc, _ in frames], f"thread {tid}"
        for frame, (_, name) in zip(stack, frames):
            our_name = frame["function"] and frame["function"].strip("_")
            assert None in (our_name, name) or our_name == name
            named += our_name is not None and name is not None
            names.add(our_name)
    assert named >= len(found), "at least the functions of the C library"
    return found, names


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
