"""The QEMUs that Debian ships, each in the root folder that script/stock unpacks it into, and in a mount namespace of its own."""

import functools
import shutil
from pathlib import Path

from .guest import ROOT, guest_folder, run_script
from .qemu import EMULATORS, Qemu, StorageDaemon

PACKAGES = {"bookworm": ("qemu-system-x86", "qemu-system-arm", "qemu-system-misc")}


@functools.lru_cache(maxsize=None)
def stock_folder(suite):
    return run_script(ROOT / "script/stock", suite, *PACKAGES.get(suite, ()))


@functools.lru_cache(maxsize=None)
def unpacked(*packages):
    """The root folder that has the files of packages of Debian 12, and no other."""
    return run_script(ROOT / "script/unpack", *packages)


# The mount is seen by nobody else, and ends with the process; so does whatever a failure leaves of it.
ENTER = 'mount --bind "$1" "$2/mnt" && shift && exec chroot "$@"'


class StockQemu(Qemu):
    """Of a suite. What is outside its root folder it does not see, but for the guest's kernel."""

    guest_folder = Path("/mnt")

    def __init__(self, *arguments, suite, arch="x86_64", **more):
        super().__init__(*arguments, arch=arch, **more)
        self.suite = suite
        self._guest_arch = EMULATORS[arch].guest_arch

    def command_line(self):
        enter = ["unshare", "--mount", shutil.which("sh"), "-c", ENTER, "sh", guest_folder(self._guest_arch)]
        return [str(word) for word in (*enter, stock_folder(self.suite), self.program, *self.arguments)]


class StockStorageDaemon(StorageDaemon):
    """Of a suite. Of what is outside its root folder it sees one other, as /mnt. That of 5.2 may crash when somebody speaks to
    its monitor early: it has none."""

    def __init__(self, *arguments, suite, folder):
        super().__init__(*arguments)
        self._suite = suite
        self._shown = str(folder)

    def command_line(self):
        enter = ["unshare", "--mount", shutil.which("sh"), "-c", ENTER, "sh", self._shown]
        # Its name for the folder.
        inside = [str(word).replace(self._shown, "/mnt") for word in self.arguments]
        return [*enter, str(stock_folder(self._suite)), "qemu-storage-daemon", *inside]

    def _sockets(self):
        return {}

    def _connect(self):
        self.qmp = None
