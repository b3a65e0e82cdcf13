"""elfutils' debuginfod, as a server of the test's own."""

import functools
import os
import socket
import subprocess

from .qemu import die_with_parent

# It has looked at all files once.
READY = "groomed database"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Debuginfod:
    """Serves the debug files in a folder. Use it as a context manager: on entry the server answers, and has read them all."""

    def __init__(self, folder, database):
        self._folder = folder
        self._database = database
        self.port = None
        self.process = None
        self.log = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _start(self):
        """Whether it came up. It cannot be given a socket; somebody else may have taken the port meanwhile."""
        self.port = free_port()
        options = ["--database", self._database, "--rescan-time=0", "--disable-source-scan", "--port", str(self.port)]
        self.process = subprocess.Popen(
            ["debuginfod", "-v", *options, "-F", self._folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # It would pass on to others what it does not know.
            env={name: value for name, value in os.environ.items() if name != "DEBUGINFOD_URLS"},
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )
        for line in self.process.stdout:
            self.log.append(line)
            if READY in line:
                return True
        self.stop()
        return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        for _ in range(3):
            if self._start():
                return self
        raise AssertionError("debuginfod did not start:\n" + "".join(self.log))

    def __exit__(self, kind, error, trace):
        self.stop()
