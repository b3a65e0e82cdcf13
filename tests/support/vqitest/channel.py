"""A socket to a QEMU that is read up to a pattern, with a deadline."""

import re
import socket
import time


class ChannelClosed(Exception):
    """The other end is gone, which usually means that QEMU is."""


class Channel:
    def __init__(self, path, name):
        self.name = name
        self._buffer = b""
        # QEMU is handed the listening socket, so this succeeds before it has begun to run.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))

    def close(self):
        self._socket.close()

    def send(self, data, timeout=30):
        self._socket.settimeout(timeout)
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosed(f"{self.name}: closed while sending") from error

    def read_until(self, pattern, timeout=30):
        """The match of a bytes pattern and what came before it; both are taken out of the stream."""
        pattern = re.compile(pattern)
        deadline = time.monotonic() + timeout
        while not (match := pattern.search(self._buffer)):
            self._receive(deadline, pattern)
        before = self._buffer[: match.start()]
        self._buffer = self._buffer[match.end() :]
        return match, before

    def read_line(self, timeout=30):
        return self.read_until(rb"\r?\n", timeout)[1]

    def _receive(self, deadline, pattern):
        left = deadline - time.monotonic()
        try:
            # A timeout of zero would mean a socket that does not block at all.
            self._socket.settimeout(max(left, 0.001))
            data = self._socket.recv(65536)
        except TimeoutError:
            tail = self._buffer[-2000:].decode(errors="replace")
            raise TimeoutError(f"{self.name}: no {pattern.pattern!r} in time; the end of what came: {tail!r}") from None
        except ConnectionResetError:
            data = b""
        if not data:
            tail = self._buffer[-2000:].decode(errors="replace")
            raise ChannelClosed(f"{self.name}: closed; the end of what came: {tail!r}")
        self._buffer += data
