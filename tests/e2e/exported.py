"""A disk that a qemu-storage-daemon exports by vhost-user to a QEMU, whose driver is the test."""

import contextlib

from vqitest import InstalledStorageDaemon, Qemu, StorageDaemon
from vqitest.driver import EVENT_IDX, VERSION_1, Disk, Driver
from vqitest.pci import PciHost
from vqitest.qtest import Bus
from vqitest.stock import StockStorageDaemon
from vqitest.transport import Pci

NUM = 128
QUEUES = 2
NULL = "null-co,node-name=n0,size=1073741824,read-zeroes=on"
FOR_EVER = f"{NULL},latency-ns={3600 * 10**9}"
# The guest's memory, which both processes have.
SHARED = ("-object", "memory-backend-memfd,id=memory,size=256M,share=on")
MACHINE = "q35,memory-backend=memory"


def export(socket, name="e0", node="n0"):
    where = f"addr.type=unix,addr.path={socket}"
    return f"vhost-user-blk,id={name},node-name={node},writable=on,iothread=io0,num-queues={QUEUES},{where}"


def disk_of(socket, name="vu0"):
    return (
        *("-chardev", f"socket,id=c-{name},path={socket}"),
        *("-device", f"vhost-user-blk-pci,id={name},chardev=c-{name},num-queues={QUEUES}"),
    )


def old_daemon(*arguments, folder):
    return StockStorageDaemon(*arguments, suite="bullseye", folder=folder)


# By where the layout is from, or the version.
KINDS = {"dwarf": StorageDaemon, "profile": InstalledStorageDaemon, "5.2": old_daemon}


def daemon_at(socket, *nodes, kind="dwarf"):
    folder = {"folder": socket.parent} if kind == "5.2" else {}
    return KINDS[kind]("--object", "iothread,id=io0", *nodes, "--export", export(socket), **folder)


def client_of(socket, **more):
    return Qemu(*SHARED, *disk_of(socket), machine=MACHINE, **more)


def nodes(*graph):
    return [word for node in graph for word in ("--blockdev", node)]


@contextlib.contextmanager
def driven(socket):
    """The client and its disk's first queue, whose driver is the test."""
    with client_of(socket, qtest=True) as vm:
        yield start_driver(vm)


def start_driver(vm):
    (device,) = PciHost(Bus(vm.qtest)).virtio_devices()
    disk = Disk(Driver(Pci(device)).start(VERSION_1 | EVENT_IDX, dict.fromkeys(range(QUEUES), NUM)))
    disk.vm = vm
    return disk


def hang(disk, count=1):
    """So many requests, and all of them taken: a device says by avail_event which it expects next."""
    disk.submit(count)
    wait_taken(disk.ring)


def wait_taken(ring):
    while ring.bus.readw(ring.used + 4 + 8 * ring.num) != ring.avail_idx:
        pass
