"""QEMU and qemu-storage-daemon as child processes that never outlive the test."""

import base64
import ctypes
import functools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

from .channel import Channel, ChannelClosed
from .guest import ROOT, Guest, guest_arguments, run_script
from .qmp import Qmp

PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec it is too late.
_libc = ctypes.CDLL(None, use_errno=True)

FIRMWARE = ("/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu")


@functools.lru_cache(maxsize=None)
def qemu_folder():
    """The build folder of QEMU, from $VIRTQ_INSPECT_QEMU or script/qemu."""
    folder = os.environ.get("VIRTQ_INSPECT_QEMU")
    return Path(folder) if folder else run_script(ROOT / "script/qemu")


class ChildError(Exception):
    """The program did not start, or crashed."""


class _Child:
    """A child process with QMP. Use it as a context manager; `dir` is a folder that lives as long as it does."""

    program = None

    def __init__(self, *arguments, env=None):
        self.arguments = [str(argument) for argument in arguments]
        self.env = env
        self.qmp = None
        self.process = None
        self._channels = []
        self._folder = tempfile.TemporaryDirectory(prefix="vqitest-")
        self.dir = Path(self._folder.name)

    @property
    def pid(self):
        return self.process.pid

    @property
    def stderr(self):
        return (self.dir / "stderr").read_text(errors="replace")

    def command_line(self):
        return [str(qemu_folder() / self.program), *self.arguments]

    def _sockets(self):
        """{name: function of a descriptor, giving the arguments}"""
        raise NotImplementedError

    def _connect(self):
        self.qmp = self._keep(Qmp(self.dir / "qmp"))

    def _keep(self, channel):
        self._channels.append(channel)
        return channel

    def start(self):
        listening = []
        command = self.command_line()
        try:
            # We make the sockets and QEMU gets them listening: there is no moment at which we would have to wait for
            # them to appear, and when QEMU dies early we see the end of file.
            for name, arguments in self._sockets().items():
                listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                listening.append(listener)
                listener.bind(str(self.dir / name))
                listener.listen(1)
                command += arguments(listener.fileno())
            with open(self.dir / "stderr", "wb") as stderr:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                    env=None if self.env is None else {**os.environ, **self.env},
                    pass_fds=[listener.fileno() for listener in listening],
                    preexec_fn=functools.partial(die_with_parent, os.getpid()),
                )
        finally:
            for listener in listening:
                listener.close()
        try:
            self._connect()
        except ChannelClosed as error:
            status = self.process.wait(30)
            raise ChildError(f"{self.program} ended with status {status}:\n{self.stderr}") from error

    def stop(self):
        for channel in self._channels:
            channel.close()
        self._channels.clear()
        if self.process and self.process.poll() is None:
            # Not a polite end: what is tested is often a QEMU that does not listen any more.
            self.process.kill()
        if self.process:
            self.process.wait()

    def __enter__(self):
        try:
            self.start()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self._end(error)

    def _end(self, error):
        status = self.process.poll() if self.process else None
        self.stop()
        log = self.stderr if (self.dir / "stderr").exists() else ""
        self._folder.cleanup()
        if log or error is not None:
            # pytest shows this with a failure, and only then.
            ended = "" if status is None else f" had ended with status {status}"
            print(f"{self.program}{ended}; its output:\n{log}", file=sys.stderr)
        if error is None and status is not None and status < 0 and status != -signal.SIGKILL:
            raise ChildError(f"{self.program} died of {signal.Signals(-status).name}; its output:\n{log}")


def die_with_parent(parent):
    """In the child, before exec. The signal comes when the thread that started us ends, so start from a lasting one."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _known_tsc():
    """A kernel argument for a machine without PM timer and HPET.

    On a busy host its kernel fails to calibrate the TSC against the PIT, and without the TSC it waits for ever for its timer.
    TCG gives the guest the host's TSC; the guest's clock may be a little off, which nobody minds.
    """
    mhz = re.search(r"^cpu MHz\s*: (\d+)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"tsc_early_khz={mhz[1]}000" if mhz else ""


# What emulates an architecture: the usual machine, the arguments for its processor, and Debian's name for the guest.
Emulator = namedtuple("Emulator", "machine processor guest_arch")
EMULATORS = {
    "x86_64": Emulator("q35", ("-cpu", "qemu64"), "amd64"),
    "aarch64": Emulator("virt", ("-cpu", "cortex-a57"), "arm64"),
    "s390x": Emulator("s390-ccw-virtio", (), "s390x"),
}


class Qemu(_Child):
    """A QEMU system emulator.

    guest=True boots the Linux guest (`guest` talks to it); qtest=True runs no guest code at all and lets the test play the
    guest through `qtest`; with neither there is a machine which does what the arguments say.
    """

    # The folder of the guest, where QEMU sees another than we do.
    guest_folder = None

    def __init__(
        self, *arguments, arch="x86_64", machine=None, memory="256", smp=2, guest=False, append="", qtest=False, **more
    ):
        emulator = EMULATORS[arch]
        self.program = f"qemu-system-{arch}"
        machine = machine or emulator.machine
        if machine.startswith("microvm"):
            append = f"{_known_tsc()} {append}"
        accel = ["-accel", "qtest"] if qtest else ["-accel", "tcg", *emulator.processor]
        super().__init__(
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *(word for folder in FIRMWARE for word in ("-L", folder)),
            *("-machine", machine, *accel, "-m", memory, "-smp", smp),
            *(guest_arguments(append, emulator.guest_arch, self.guest_folder) if guest else ()),
            *arguments,
            **more,
        )
        self._with_guest = guest
        self._with_qtest = qtest
        self.guest = None
        self.qtest = None

    def _sockets(self):
        def chardev(name, *more):
            return lambda fd: ["-chardev", f"socket,id=vqitest-{name},fd={fd},server=on,wait=off", *more]

        sockets = {"qmp": chardev("qmp", "-mon", "chardev=vqitest-qmp,mode=control")}
        if self._with_guest:
            sockets["serial"] = chardev("serial", "-serial", "chardev:vqitest-serial")
        if self._with_qtest:
            # -qtest looks for a character device of just this name, whatever it was told.
            sockets["qtest"] = lambda fd: [
                *("-chardev", f"socket,id=qtest,fd={fd},server=on,wait=off"),
                *("-qtest", "chardev:qtest", "-qtest-log", "none"),
            ]
        return sockets

    def _connect(self):
        # The consoles first: what the guest prints while nobody is connected is lost.
        if self._with_guest:
            self.guest = self._keep(Guest(self.dir / "serial"))
        if self._with_qtest:
            self.qtest = self._keep(Qtest(self.dir / "qtest"))
        super()._connect()


class InstalledQemu(Qemu):
    """Debian's own, as its package has it: stripped, without qtest, and a profile of its layout comes with the tool."""

    folder = Path("/usr/bin")

    def command_line(self):
        return [str(self.folder / self.program), *self.arguments]


class StorageDaemon(_Child):
    """A qemu-storage-daemon."""

    program = "storage-daemon/qemu-storage-daemon"

    def _sockets(self):
        def monitor(fd):
            chardev = f"socket,id=vqitest-qmp,fd={fd},server=on,wait=off"
            return ["--chardev", chardev, "--monitor", "chardev=vqitest-qmp"]

        return {"qmp": monitor}


class InstalledStorageDaemon(StorageDaemon):
    """Debian's own, as its package has it: stripped, and a profile of its layout comes with the tool."""

    def command_line(self):
        return ["/usr/bin/qemu-storage-daemon", *self.arguments]


class Qtest:
    """The qtest protocol: one command a line, one answer a line (system/qtest.c in QEMU describes it)."""

    def __init__(self, path):
        self._channel = Channel(path, "qtest")
        self.irqs = []

    def close(self):
        self._channel.close()

    def command(self, line, timeout=30):
        """The words of the answer after its OK."""
        self._channel.send(line.encode() + b"\n")
        while True:
            words = self._channel.read_line(timeout).decode().split()
            if words[0] == "IRQ":
                self.irqs.append(tuple(words[1:]))
            else:
                assert words[0] == "OK", f"qtest: {line!r} gave {words}"
                return words[1:]

    def read(self, address, length):
        answer = self.command(f"b64read {address:#x} {length:#x}") if length else [""]
        return base64.b64decode(answer[0])

    def write(self, address, data):
        if data:
            self.command(f"b64write {address:#x} {len(data):#x} {base64.b64encode(data).decode()}")

    def clock_step(self, ns=None):
        """Let virtual time pass, to the next timer unless told how long; the new time."""
        answer = self.command("clock_step" if ns is None else f"clock_step {ns}")
        return int(re.sub(r"\D.*", "", answer[0]))
