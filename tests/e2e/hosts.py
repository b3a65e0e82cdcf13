"""A host of its own for some QEMUs: a pid namespace, in whose /proc there is nobody else's process; and fixtures with one."""

import subprocess
from pathlib import Path

import pytest
from odd_qemus import PID_NAMESPACE, OddQemu, of_another_build, strip
from rig import GEOMETRY, SLOW

from vqitest import StorageDaemon
from vqitest.driver import EVENT_IDX, VERSION_1, Disk, Driver
from vqitest.pci import PciHost
from vqitest.qtest import Bus
from vqitest.transport import Pci

RNG = ["-device", "virtio-rng-pci,id=rng0"]
GEOMETRY_WORDS = ",".join(f"{key}={value}" for key, value in GEOMETRY.items())
STUCK = [
    *("-blockdev", f"node-name=d0,driver={SLOW}"),
    *("-device", f"virtio-blk-pci,id=blk0,drive=d0,num-queues=1,{GEOMETRY_WORDS}"),
]


def only_child(pid):
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def inner_pids(pid):
    """What a process is called in each of the namespaces that it is in, ours first."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(word) for word in status.partition("\nNSpid:")[2].partition("\n")[0].split()]


def start_unknown(start, folder, name="dark"):
    """A QEMU of which nothing is known, without a device from which something could be derived."""
    return start("-no-reboot", name=name, executable=of_another_build(strip(folder / "qemu-system-x86_64"), "1.0.1"))


class Host:
    """Use it as a context manager. All that was started in it ends with it."""

    def __enter__(self):
        # Its first process ends when nobody holds the other end of the pipe; it buries whom nobody else waits for.
        script = "trap : CHLD; echo ready; cat >/dev/null"
        self._first = subprocess.Popen([*PID_NAMESPACE, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._first.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_):
        self._first.stdin.close()
        self._first.wait(30)
        self._first.stdout.close()

    @property
    def prefix(self):
        """What comes before a command that is to run in it."""
        return ["nsenter", f"--target={only_child(self._first.pid)}", "--pid", "--mount"]

    def qemu(self, *arguments, prefix=(), depth=1, **more):
        """depth: how many processes there are from the first word of the prefix to QEMU."""
        return HostedQemu(*arguments, prefix=[*self.prefix, *prefix], depth=depth, **more)

    def storage_daemon(self, *arguments):
        return HostedDaemon(self.prefix, *arguments)

    def start(self, *command, **more):
        return subprocess.Popen([*self.prefix, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)


class HostedQemu(OddQemu):
    def __init__(self, *arguments, depth, **more):
        super().__init__(*arguments, **more)
        self._depth = depth

    @property
    def pid(self):
        pid = self.process.pid
        for _ in range(self._depth):
            pid = only_child(pid)
        return pid

    @property
    def inner(self):
        """What it is called in the namespace of its host."""
        return inner_pids(self.pid)[1]


class HostedDaemon(StorageDaemon):
    def __init__(self, prefix, *arguments):
        super().__init__(*arguments)
        self._prefix = prefix

    def command_line(self):
        return [*self._prefix, *super().command_line()]

    @property
    def pid(self):
        return only_child(self.process.pid)


@pytest.fixture
def host():
    with Host() as host:
        yield host


@pytest.fixture
def start(host, machines):
    """Starts a small QEMU in the host; name: of the VM."""

    def start(*arguments, name=None, **more):
        named = ["-name", name] if name else []
        more = {"memory": "16", **more}
        return machines.start(*named, *(arguments or RNG), kind=host.qemu, qtest=True, smp=1, **more)

    return start


@pytest.fixture
def inspect(host, inspector):
    """Runs the tool in the host: (stdout, stderr), after it was checked that it ended with that status."""

    def inspect(*arguments, status=0, prefix=(), **more):
        done = inspector.run(*arguments, prefix=[*host.prefix, *prefix], **more)
        assert done.returncode == status, f"status {done.returncode}\n{done.stderr}\n{done.stdout}"
        return done.stdout, done.stderr

    return inspect


def hang(vm):
    """A request that never comes back."""
    bus = Bus(vm.qtest)
    (device,) = PciHost(bus).virtio_devices()
    disk = Disk(Driver(Pci(device)).start(VERSION_1 | EVENT_IDX, {0: 16}))
    disk.read(sector=0)
    disk.ring.publish()
    disk.ring.kick()
    bus.readb(bus.allocate(1))  # taken with this
