"""A disk behind a server that the test can silence."""

import os
import signal

from .harm import threads
from .qemu import StorageDaemon


class NbdServer(StorageDaemon):
    """A disk of zeroes on a socket at path. As a context manager, as its base."""

    def __init__(self, path):
        self.path = path
        super().__init__(
            *("--blockdev", "null-co,node-name=d0,size=1073741824,read-zeroes=on"),
            *("--nbd-server", f"addr.type=unix,addr.path={path}"),
            *("--export", "nbd,id=e0,node-name=d0,name=disk,writable=on"),
        )

    def blockdev(self, name):
        """For QEMU, a node of that name."""
        return f"nbd,node-name={name},server.type=unix,server.path={self.path},export=disk"

    def fall_silent(self):
        os.kill(self.pid, signal.SIGSTOP)
        while not all(status["State"].startswith("T") for status in threads(self.pid).values()):
            pass

    def speak_again(self):
        os.kill(self.pid, signal.SIGCONT)
