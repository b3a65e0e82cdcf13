"""Back traces of the threads of a real QEMU, against those of elfutils' eu-stack, which stops it."""

import re
import shlex
import subprocess

import pytest

from vqitest.guest import ROOT
from vqitest.harm import do_no_harm, threads
from vqitest.inspector import program

DEVICES = ["-object", "iothread,id=io0", "-blockdev", "node-name=d0,driver=null-co,size=1048576"]
DEVICES += ["-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0"]
LIBRARIES = ("libelf", "libdw", "json-c", "smartcols", "libseccomp")


@pytest.fixture(scope="session")
def back_traces(tmp_path_factory):
    """The program that prints them, of the same library as the program under test."""
    path = tmp_path_factory.mktemp("back_traces") / "back_traces"
    flags = subprocess.run(["pkg-config", "--libs", *LIBRARIES], check=True, capture_output=True, text=True).stdout
    source, library = ROOT / "tests/support/back_traces.c", program().parent / "libvqi.a"
    command = ["cc", "-std=gnu17", "-D_GNU_SOURCE", f"-I{ROOT}/include", source, "-o", path, library]
    subprocess.run([*command, *shlex.split(flags), "-lm"], check=True, timeout=60)
    return path


def parse(text):
    """{tid: [(pc, function or None)]}"""
    found, frames = {}, None
    for line in text.splitlines():
        if thread := re.match(r"TID (\d+):", line):
            frames = found[int(thread[1])] = []
        elif frame := re.match(r"#\d+ +0x([0-9a-f]+)(?: - 1)? *([^\s@]*)", line):
            frames.append((int(frame[1], 16), frame[2].strip("_") or None))
    return {tid: [(pc, None if name == "-" else name) for pc, name in frames] for tid, frames in found.items()}


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_as_eu_stack(machines, back_traces, tmp_path):
    vm = machines.start(*DEVICES, qtest=True)
    log = tmp_path / "log"
    text = run("strace", "-f", "-o", log, "-e", "trace=ptrace,kill,tkill,tgkill", back_traces, vm.pid)
    do_no_harm(vm.pid)
    assert "stopped for 0 us" in text
    assert not re.search(r"(ptrace|tkill|tgkill)\(", log.read_text()), "a thread that sleeps is not touched"
    assert "gap:" not in text
    ours, theirs = parse(text), parse(run("eu-stack", "-p", vm.pid))
    assert set(ours) == set(theirs) == set(threads(vm.pid))
    named = 0
    for tid, frames in theirs.items():
        assert [pc for pc, _ in ours[tid]] == [pc for pc, _ in frames], f"thread {tid}"
        for (_, our_name), (_, name) in zip(ours[tid], frames):
            assert None in (our_name, name) or our_name == name
            named += our_name is not None and name is not None
    assert named > len(ours), "at least the functions of QEMU itself"
    names = {name for frames in ours.values() for _, name in frames}
    assert {"ppoll", "main_loop_wait", "aio_poll", "iothread_run", "qemu_event_wait"} <= names
    assert re.search(r" main_loop_wait \S+ \S*main-loop.c:[1-9]", text), "it has debug information"
