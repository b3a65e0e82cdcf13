"""A watch that waits for a page of QEMU's memory which nobody provides, as of a migration that does not go on: it can be ended."""

import contextlib
import os
import re
import signal
import struct
from pathlib import Path

import pytest
from call_inside import stack_below, system_call
from rig import on_split

from vqitest.terminal import Terminal
from vqitest.watch import Watch

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root for a userfaultfd that makes the kernel wait")

PAGE = 4096
# x86-64: asm/unistd_64.h, linux/userfaultfd.h, asm-generic/mman-common.h.
CLOSE, IOCTL, MADVISE, USERFAULTFD = 3, 16, 28, 323
UFFDIO_API, UFFDIO_REGISTER = 0xC018AA3F, 0xC020AA00
UFFD_API, REGISTER_MODE_MISSING = 0xAA, 1
DONTNEED = 4


@contextlib.contextmanager
def page_taken_away(rig, disk):
    """The page of guest RAM with the used ring: who reads it waits until it is provided, which is at the end."""
    answer = rig.vm.qmp.hmp(f"gpa2hva {disk.ring.used:#x}")
    at = int(re.search(r"is (0x[0-9a-f]+)", answer)[1], 16) // PAGE * PAGE
    inside, pid = rig.inside, rig.vm.pid

    def call(number, *arguments, read=b""):
        where = stack_below(pid)
        inside.write_bytes(where, read)
        return system_call(inside, number, *arguments, *([where] if read else []))

    fd = call(USERFAULTFD, os.O_CLOEXEC)
    call(IOCTL, fd, UFFDIO_API, read=struct.pack("=3Q", UFFD_API, 0, 0))
    call(IOCTL, fd, UFFDIO_REGISTER, read=struct.pack("=4Q", at, PAGE, REGISTER_MODE_MISSING, 0))
    kept = inside.read_bytes(at, PAGE)
    call(MADVISE, at, PAGE, DONTNEED)
    try:
        yield
    finally:
        # With the descriptor its registration ends.
        call(CLOSE, fd)
        inside.write_bytes(at, kept)


def wait_blocked(pid):
    while "userfault" not in Path(f"/proc/{pid}/wchan").read_text():
        pass


def test_lines(rig, inspector):
    disk = rig.disk()
    disk.complete(10)
    with Watch(inspector, rig.vm.pid) as run:
        run.head()
        with page_taken_away(rig, disk):
            wait_blocked(run.pid)
            while run.process.poll() is None:
                run.signal(signal.SIGTERM)
        assert run.end(-signal.SIGTERM) == ""
    rig.check_well(disk.ring)


def test_asked_once(rig, inspector):
    """It ends as soon as it can."""
    disk = rig.disk()
    disk.complete(10)
    with Watch(inspector, rig.vm.pid) as run:
        run.head()
        with page_taken_away(rig, disk):
            wait_blocked(run.pid)
            run.signal(signal.SIGTERM)
            run.signal(signal.SIGHUP)
        assert run.end(0) == ""
    rig.check_well(disk.ring)


@on_split
def test_screen(rig, inspector):
    """The terminal is given back."""
    disk = rig.disk()
    disk.complete(10)
    command = inspector.command("--pid", rig.vm.pid, "--watch=0.1")
    environment = {name: inspector.env[name] for name in ("HOME", "XDG_CACHE_HOME") if name in inspector.env}
    with Terminal(*command, **environment) as terminal:
        terminal.wait("nothing is stuck")
        with page_taken_away(rig, disk):
            wait_blocked(terminal.pid)
            while not (terminal.folder / "after").exists():
                with contextlib.suppress(ProcessLookupError):
                    terminal.kill(signal.SIGINT)
        assert terminal.wait_end() == 128 + signal.SIGINT
        terminal.check_restored()
    rig.check_well(disk.ring)
