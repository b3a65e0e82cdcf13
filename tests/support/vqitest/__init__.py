"""Real QEMUs for the tests: started, spoken to, and ended again whatever happens.

    with Qemu("-device", "virtio-rng-pci", guest=True) as vm:
        vm.guest.wait_ready()
        status, output = vm.guest.run("cat /sys/class/misc/hw_random/rng_current")
        vm.qmp.execute("query-status")

Nothing here waits by sleeping: there is always a socket, a prompt or a process to wait for.
"""

from .channel import Channel, ChannelClosed
from .guest import Guest, guest_folder
from .harm import do_no_harm, threads
from .qemu import ChildError, InstalledQemu, InstalledStorageDaemon, Qemu, Qtest, StorageDaemon, qemu_folder
from .qmp import Qmp, QmpError

__all__ = [
    "Channel",
    "ChannelClosed",
    "ChildError",
    "Guest",
    "InstalledQemu",
    "InstalledStorageDaemon",
    "Qemu",
    "Qmp",
    "QmpError",
    "Qtest",
    "StorageDaemon",
    "do_no_harm",
    "guest_folder",
    "qemu_folder",
    "threads",
]
