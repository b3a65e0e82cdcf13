"""The Linux guest that script/guest makes, and the command agent on its serial console."""

import functools
import os
import shlex
import subprocess
from pathlib import Path

from .channel import Channel

ROOT = Path(__file__).resolve().parents[3]


# What its kernel calls the first serial port, by Debian's name of the architecture.
CONSOLES = {"amd64": "ttyS0", "arm64": "ttyAMA0", "s390x": "ttysclp0"}


def run_script(*command):
    """The folder that a script prints."""
    return Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


@functools.lru_cache(maxsize=None)
def guest_folder(arch="amd64"):
    """The folder with vmlinuz and initrd, from $VIRTQ_INSPECT_GUEST (amd64) or script/guest."""
    folder = os.environ.get("VIRTQ_INSPECT_GUEST") if arch == "amd64" else None
    return Path(folder) if folder else run_script(ROOT / "script/guest", arch)


def guest_arguments(append="", arch="amd64", folder=None):
    """The folder is guest_folder(), unless QEMU knows it by another name."""
    folder = folder or guest_folder(arch)
    kernel_arguments = f"console={CONSOLES[arch]} quiet loglevel=0 {append}".strip()
    return ["-kernel", folder / "vmlinuz", "-initrd", folder / "initrd", "-append", kernel_arguments]


class Guest:
    # The terminal takes no more of a line than this before somebody reads it.
    MAX_COMMAND = 4000

    def __init__(self, path):
        self._channel = Channel(path, "guest console")
        self._jobs = 0
        self._lost = None
        # Answers that will come and that nobody wants.
        self._unread = 0

    def close(self):
        self._channel.close()

    def wait_ready(self, timeout=120):
        """Wait until the guest has booted: about three seconds under TCG on an idle machine."""
        self._channel.read_until(rb"GUEST-READY\n", timeout)

    def run(self, command, timeout=60):
        """(status, output) of one line of shell.

        After a timeout the command still holds the agent, and no other can be run: what is meant to hang is for spawn().
        """
        assert self._lost is None, f"the guest still runs {self._lost!r}"
        self._lost = command
        self._send(command)
        while self._unread:
            self._answer(timeout)
            self._unread -= 1
        status, output = self._answer(timeout)
        self._lost = None
        return status, output

    def _send(self, command):
        line = command.encode() + b"\n"
        assert line.count(b"\n") == 1, "one line only"
        assert len(line) <= self.MAX_COMMAND, "the command is too long for the guest's terminal"
        self._channel.send(line)

    def _answer(self, timeout):
        match, output = self._channel.read_until(rb"\nGUEST-DONE (\d+)\n", timeout)
        return int(match[1]), output.decode(errors="replace")

    def check(self, command, timeout=60):
        """The output of a command that must succeed."""
        status, output = self.run(command, timeout)
        assert status == 0, f"in the guest: {command!r} gave {status}: {output}"
        return output

    def disk(self, serial):
        """The name that the guest gave to the disk with this serial number."""
        return self.check(f"grep -l '^{serial}$' /sys/block/*/serial").strip().split("/")[3]

    def spawn(self, command):
        """Start a command in the background of the guest; its process id there. Its output is in /tmp/job-N.

        The command may stop the whole guest at once. Hence it waits for a word from us, and nobody waits for the answer.
        """
        self._jobs += 1
        job, go = f"/tmp/job-{self._jobs}", f"/tmp/go-{self._jobs}"
        # As a process of its own and not as a job of the shell, so that the id is the one that does the work.
        wait = f"setsid sh -c 'read _ <{go}; exec sh -c \"$0\"' {shlex.quote(command)}"
        pid = int(self.check(f"mkfifo {go}; {wait} </dev/null >{job} 2>&1 & echo $!"))
        self._send(f"echo >{go}; rm {go}")
        self._unread += 1
        return pid
