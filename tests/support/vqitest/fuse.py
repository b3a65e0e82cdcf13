"""A file of which the test decides when it can be read and written: the slow storage of a QEMU. Needs root and /dev/fuse.

    with SlowFile(folder / "disk", size=1 << 20) as disk:
        ...             # as any file of zeroes
        disk.hold()     # from now on whoever reads or writes it sleeps in the kernel,
        disk.wait_held(2)
        disk.release()  # until now

The kernel's protocol is spoken by a thread of the test: include/uapi/linux/fuse.h.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import threading

MS_NOSUID, MS_NODEV = 2, 4
MNT_DETACH = 2

FORGET, GETATTR, SETATTR, OPEN, READ, WRITE = 2, 3, 4, 14, 15, 16
RELEASE, FSYNC, FLUSH, INIT, INTERRUPT, BATCH_FORGET, FALLOCATE = 18, 20, 25, 26, 36, 42, 43
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)

PROTOCOL = (7, 31)
ASYNC_READ = 1
READAHEAD = MAX_WRITE = 1 << 17
FOPEN_DIRECT_IO = 1

HEADER = struct.Struct("<LLQQLLLL")
ANSWER = struct.Struct("<LlQ")
_libc = ctypes.CDLL(None, use_errno=True)


def _offset(body):
    """Of a read or write, in bytes."""
    return struct.unpack_from("<QQ", body)[1]


def why_no_fuse():
    """Why it cannot be had here; nothing where it can."""
    if os.getuid() != 0:
        return "needs root to mount"
    return None if os.access("/dev/fuse", os.R_OK | os.W_OK) else "no /dev/fuse"


class SlowFile:
    """cached: the kernel keeps what was read, and a thread that waits for more cannot be interrupted (state D, not S)."""

    def __init__(self, path, size=1 << 20, cached=False):
        self.path = str(path)
        self.size = size
        self._open_flags = 0 if cached else FOPEN_DIRECT_IO
        self._changed = threading.Condition()
        self._holds = ()
        self._held = []
        self._device = None
        self._thread = None
        self._end_read, self._end = os.pipe2(os.O_CLOEXEC)

    def __enter__(self):
        open(self.path, "xb").close()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        options = f"fd={self._device},rootmode={stat.S_IFREG:o},user_id=0,group_id=0,allow_other"
        arguments = [word.encode() for word in ("vqitest", self.path, "fuse")]
        if _libc.mount(*arguments, ctypes.c_ulong(MS_NOSUID | MS_NODEV), options.encode()) != 0:
            number = ctypes.get_errno()
            os.close(self._device)
            raise OSError(number, f"mount: {os.strerror(number)}")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        _libc.umount2(self.path.encode(), MNT_DETACH)
        os.write(self._end, b"!")
        self._thread.join()
        # Whoever still waits gets an error.
        for descriptor in (self._device, self._end_read, self._end):
            os.close(descriptor)

    def hold(self, kinds=(READ, WRITE)):
        with self._changed:
            self._holds = kinds

    def wait_held(self, count=1, timeout=30):
        """Until so many reads and writes wait."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._held) >= count, timeout), f"{len(self._held)} wait"

    def release(self):
        """Answer all of them, and hold no more."""
        self._holds = ()
        self.release_some(lambda offset: True)

    def release_some(self, is_chosen):
        """Answer those at offsets that are chosen."""
        with self._changed:
            chosen = [request for request in self._held if is_chosen(_offset(request[2]))]
            self._held = [request for request in self._held if request not in chosen]
        for request in chosen:
            self._answer(*request)

    # The protocol.

    def _serve(self):
        while self._end_read not in select.select([self._device, self._end_read], [], [])[0]:
            try:
                request = os.read(self._device, MAX_WRITE + 4096)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                return  # unmounted: ENODEV
            _, kind, number, *_ = HEADER.unpack_from(request)
            body = request[HEADER.size :]
            with self._changed:
                if kind in self._holds:
                    self._held.append((kind, number, body))
                    self._changed.notify_all()
                    continue
            self._answer(kind, number, body)

    def _answer(self, kind, number, body):
        if kind in UNANSWERED:
            return
        handler = {
            INIT: self._init,
            GETATTR: self._attributes,
            SETATTR: self._attributes,
            OPEN: lambda _: struct.pack("<QLL", 1, self._open_flags, 0),
            READ: self._read,
            WRITE: lambda body: body[16:20] + bytes(4),
            RELEASE: lambda _: b"",
            FLUSH: lambda _: b"",
            FSYNC: lambda _: b"",
            FALLOCATE: lambda _: b"",
        }.get(kind)
        data = handler(body) if handler else b""
        status = 0 if handler else -errno.ENOSYS
        try:
            os.write(self._device, ANSWER.pack(ANSWER.size + len(data), status, number) + data)
        except OSError as error:
            assert error.errno in (errno.ENOENT, errno.ENODEV), error  # whoever asked has gone

    def _init(self, _):
        return struct.pack("<LLLLHHLLHHL28x", *PROTOCOL, READAHEAD, ASYNC_READ, 16, 12, MAX_WRITE, 1, 32, 0, 0)

    def _attributes(self, _):
        mode = stat.S_IFREG | 0o600
        blocks = self.size // 512
        attributes = struct.pack("<QQQQQQLLLLLLLLLL", 1, self.size, blocks, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
        return struct.pack("<QLL", 3600, 0, 0) + attributes

    def _read(self, body):
        _, offset, length = struct.unpack_from("<QQL", body)
        return bytes(max(0, min(length, self.size - offset)))
