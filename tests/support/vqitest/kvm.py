"""A QEMU under KVM, whose guest is nothing but the driver of a disk: there are real irqfds and ioeventfds.

    with KvmQemu("unreaped") as vm:
        vm.wait_ready()
        vm.interrupts()["irqfd_users"]

The guest is in tests/support/kvm. It is no Linux, which takes too long to boot where KVM has to interpret the guest.
"""

import atexit
import fcntl
import functools
import json
import os
import platform
import re
import subprocess
import tempfile
import time
from pathlib import Path

from .channel import Channel
from .guest import ROOT
from .qemu import Qemu

SOURCE = ROOT / "tests/support/kvm"
# Freestanding: there need be no C library for 32 bits.
COMPILE = (
    *("gcc", "-m32", "-O2", "-Wall", "-Wextra", "-ffreestanding", "-mgeneral-regs-only"),
    *("-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fcf-protection=none"),
    *("-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none"),
)

KVM_CREATE_VM = 0xAE01


@functools.lru_cache(maxsize=None)
def why_no_kvm():
    """Why no QEMU can run under KVM here, or None."""
    if platform.machine() != "x86_64":
        return "the guest is for x86"
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"/dev/kvm cannot be opened: {error.strerror}"
    try:
        os.close(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
    except OSError as error:
        return f"/dev/kvm makes no virtual machine: {error.strerror}"
    finally:
        os.close(kvm)
    return None


@functools.lru_cache(maxsize=None)
def payload():
    """The guest, compiled once in a run of the tests: a matter of a fifth of a second."""
    folder = tempfile.TemporaryDirectory(prefix="vqitest-payload-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "payload.elf"
    sources = sorted(SOURCE.glob("*.[cS]"))
    subprocess.run([*COMPILE, "-T", SOURCE / "payload.ld", "-o", path, *sources], check=True)
    return path


class KvmQemu(Qemu):
    """The disk is blk0, and its queue 0 is used. mode is one of those in payload.c, properties are more of -device."""

    PATH = "/machine/peripheral/blk0/virtio-backend"
    NUM = 16
    VECTOR = 1
    INTERRUPT = 0x40  # the processor's number for that vector

    def __init__(self, mode, *arguments, properties="", **more):
        super().__init__(
            # The firmware that takes no time. It leaves PCI to the guest, which does not mind.
            *("-bios", "qboot.rom", "-no-reboot"),
            *("-kernel", payload(), "-append", mode),
            *("-blockdev", "null-co,node-name=d0,size=1073741824,read-zeroes=on"),
            *arguments,
            *("-device", f"virtio-blk-pci,id=blk0,drive=d0,num-queues=1,disable-legacy=on{properties}"),
            **{"memory": "64", "smp": 1, **more},
        )
        self.console = None
        self.ring = None

    def command_line(self):
        command = super().command_line()
        command[command.index("-accel") + 1] = "kvm"
        return command

    def _sockets(self):
        def console(fd):
            chardev = f"socket,id=vqitest-console,fd={fd},server=on,wait=off"
            return ["-chardev", chardev, "-device", "isa-debugcon,iobase=0xe9,chardev=vqitest-console"]

        return {**super()._sockets(), "console": console}

    def _connect(self):
        # What the guest prints while nobody is connected is lost.
        self.console = self._keep(Channel(self.dir / "console", "guest"))
        super()._connect()

    def wait_ready(self, timeout=60):
        """Until the guest has done what it was told, and halts. `ring` is where it has its queue."""
        line = self.console.read_line(timeout).decode()
        assert line.startswith("READY "), f"guest: {line}"
        self.ring = {name: int(value, 16) for name, value in re.findall(r"(\w+)=(\w+)", line)}

    def wait(self, condition, what, timeout=30):
        """Ask until condition() is true. Each question lets QEMU's main loop run once."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain until {what}")
            self.qmp.execute("query-status")

    def eventfd(self, fd):
        """(count, id) of a descriptor of QEMU."""
        text = Path(f"/proc/{self.pid}/fdinfo/{fd}").read_text()
        count = re.search(r"^eventfd-count:\s*(\w+)$", text, re.MULTILINE)
        number = re.search(r"^eventfd-id:\s*(\d+)$", text, re.MULTILINE)
        return int(count[1], 16), int(number[1])

    def pending_interrupts(self):
        """The interrupts that have come to the first processor and are not taken: {number}."""
        text = self.qmp.hmp("info lapic")
        line = re.search(r"^IRR\s+(.*)$", text, re.MULTILINE)
        return {int(number) for number in re.findall(r"\d+", line[1])}

    def interrupts(self):
        """What gdb_interrupts.py tells of the device; QEMU is stopped meanwhile."""
        command = ["gdb", "-batch", "-nx", "-p", str(self.pid), "-x", str(SOURCE / "gdb_interrupts.py")]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        match = re.search(r"^vqitest-gdb:(.*)$", done.stdout, re.MULTILINE)
        assert match, f"gdb: {done.stdout}\n{done.stderr}"
        return json.loads(match[1])
