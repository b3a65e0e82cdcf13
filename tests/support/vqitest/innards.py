"""QEMU's own memory, read and written from outside: to make the faults that no guest can make.

    inside = Innards(vm.pid)
    queue = inside.queue("/machine/peripheral/blk0/virtio-backend", 0)
    queue["notification"] = 0
    inside.follow(queue["vdev"], "VirtIODevice")["isr"]

Nobody is stopped for this; write where QEMU does not, as while all its threads sleep. Offsets are from gdb.
"""

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from .harm import threads

STRUCTS = (
    *("VirtIODevice", "VirtQueue", "VirtIOBlock", "VirtIOBlockDataPlane", "BlockBackend", "BdrvChild", "BlockDriverState"),
    *("AioContext", "AioHandler", "QEMUBH", "QemuMutex", "ThreadPool", "ThreadPoolAio", "SaveState", "SaveStateEntry"),
)
SYMBOLS = (
    *("savevm_state", "qemu_aio_context", "qemu_global_mutex", "bql"),
    *("virtio_queue_aio_attach_host_notifier", "virtio_queue_aio_detach_host_notifier"),
)

# QEMUBH.flags: util/async.c
BH_PENDING, BH_SCHEDULED = 1, 2

# The end of SaveStateEntry.idstr: the name of a VMStateDescription, one a device type.
DEVICE_STATE = re.compile(r"/(virtio|vhost)-[a-z0-9-]+$")


@functools.lru_cache(maxsize=None)
def layout_of(executable):
    wanted = json.dumps({"structs": STRUCTS, "symbols": SYMBOLS})
    script = Path(__file__).with_name("gdb_layout.py")
    command = ["gdb", "-batch", "-nx", "-iex", f"set $wanted = {json.dumps(wanted)}", "-x", script, executable]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    match = re.search(r"^vqitest-gdb:(.*)$", done.stdout, re.MULTILINE)
    assert match, f"gdb: {done.stdout}\n{done.stderr}"
    return json.loads(match[1])


class Struct:
    """One structure: its fields by name, as numbers."""

    def __init__(self, inside, kind, address):
        self.inside = inside
        self.kind = kind
        self.address = address
        self._fields = inside.layout["structs"][kind]

    def __contains__(self, field):
        return field in self._fields

    def has_mutex(self, field):
        """Whether a field is a QemuMutex, as it is not in every version."""
        return f"{field}.lock.__data.__owner" in self._fields

    def at(self, field):
        """Where a field is."""
        return self.address + self._fields[field][0]

    def __getitem__(self, field):
        return self.inside.read(self.at(field), self._fields[field][1])

    def __setitem__(self, field, value):
        self.inside.write(self.at(field), value, self._fields[field][1])

    @property
    def size(self):
        return self._fields[""][1]


class Innards:
    def __init__(self, pid):
        self.pid = pid
        executable = os.path.realpath(f"/proc/{pid}/exe")
        self.layout = layout_of(executable)
        self._bias = self._start_of(executable)

    def _start_of(self, executable):
        """Where the file begins in memory: position-independent programs are linked at 0."""
        for line in Path(f"/proc/{self.pid}/maps").read_text().splitlines():
            if line.endswith(executable):
                return int(line.split("-")[0], 16)
        raise AssertionError(f"{executable} is not mapped")

    # Bytes and numbers.

    def read_bytes(self, address, length):
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            return os.pread(memory.fileno(), length, address)

    def write_bytes(self, address, data):
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            assert os.pwrite(memory.fileno(), data, address) == len(data)

    def read(self, address, size=8):
        return int.from_bytes(self.read_bytes(address, size), "little")

    def write(self, address, value, size=8):
        self.write_bytes(address, value.to_bytes(size, "little"))

    def string(self, address, limit=256):
        return self.read_bytes(address, limit).split(b"\0")[0].decode()

    # Things.

    def symbol(self, name):
        return self._bias + self.layout["symbols"][name]

    def follow(self, address, kind):
        return Struct(self, kind, address)

    def devices(self):
        """{QOM path: VirtIODevice}: each has a state to be migrated."""
        found = {}
        entry = self.follow(self.symbol("savevm_state"), "SaveState")["handlers.tqh_first"]
        while entry:
            state = self.follow(entry, "SaveStateEntry")
            if DEVICE_STATE.search(self.string(state.at("idstr"))):
                device = self.follow(state["opaque"], "VirtIODevice")
                found[self.string(device["parent_obj.canonical_path"])] = device
            entry = state["entry.tqe_next"]
        return found

    def queue(self, path, index):
        device = self.devices()[path]
        first = self.follow(device["vq"], "VirtQueue")
        return self.follow(first.address + index * first.size, "VirtQueue")

    def main_context(self):
        return self.follow(self.read(self.symbol("qemu_aio_context")), "AioContext")

    def schedule(self, context):
        """A bottom half, of which nobody tells the loop. It runs coroutines that are scheduled, of which there are none."""
        bottom_half = self.follow(context["co_schedule_bh"], "QEMUBH")
        with stopped(self.pid):
            assert context["bh_list.slh_first"] == bottom_half["flags"] == 0
            bottom_half["next.sle_next"] = 0
            bottom_half["flags"] = BH_PENDING | BH_SCHEDULED
            context["bh_list.slh_first"] = bottom_half.address

    def wait_nested(self):
        """Until the main loop waits in an aio_poll() of code that it called: AioContext.notify_me, include/block/aio.h."""
        context = self.main_context()
        while context["notify_me"] < 2 or not self.sleeps(self.pid):
            pass

    def sleeps(self, tid):
        return threads(self.pid)[tid]["State"][0] == "S"

    def context_of(self, path, index=0):
        """The AioContext that serves a queue of a virtio-blk device."""
        disk = self.follow(self.devices()[path].address, "VirtIOBlock")
        if "dataplane" in disk:
            address = self.follow(disk["dataplane"], "VirtIOBlockDataPlane")["ctx"]
        else:
            address = self.read(disk["vq_aio_context"] + 8 * index)
        return self.follow(address, "AioContext")

    def handler_of(self, path, index=0):
        """The AioHandler of a queue's host notifier, in that context."""
        address = self.context_of(path, index)["aio_handlers.lh_first"]
        notifier = self.queue(path, index).at("host_notifier")
        while address:
            handler = self.follow(address, "AioHandler")
            if handler["opaque"] == notifier:
                return handler
            address = handler["node.le_next"]
        raise AssertionError("nobody listens to the queue")

    def back_end(self, path):
        """The BlockBackend of a virtio-blk device."""
        return self.follow(self.follow(self.devices()[path].address, "VirtIOBlock")["blk"], "BlockBackend")

    def root_node(self, path):
        """The BlockDriverState that this begins with."""
        return self.follow(self.follow(self.back_end(path)["root"], "BdrvChild")["bs"], "BlockDriverState")

    def thread_pool(self, context):
        """The ThreadPool of an AioContext, called ThreadPoolAio since 10.0, once it has done something."""
        kind = "ThreadPoolAio" if "ThreadPoolAio" in self.layout["structs"] else "ThreadPool"
        return self.follow(context["thread_pool"], kind)

    def big_lock(self):
        name = "bql" if "bql" in self.layout["symbols"] else "qemu_global_mutex"
        return Mutex(self, self.symbol(name))

    def mutex(self, struct, field):
        return Mutex(self, struct.at(field))


class Mutex:
    """One that the test takes in the name of a thread, and gives back."""

    def __init__(self, inside, address):
        self.inside = inside
        self.address = address
        self._mutex = inside.follow(address, "QemuMutex")

    def take(self, tid):
        """Once it is free."""
        taken = False
        while not taken:
            with stopped(self.inside.pid):
                taken = self._mutex["lock.__data.__lock"] == 0
                if taken:
                    self._mutex["lock.__data.__owner"] = tid
                    self._mutex["lock.__data.__lock"] = 1

    def wait_contended(self, tid):
        """Until a thread sleeps for it."""
        while self._mutex["lock.__data.__lock"] != 2 or not self.inside.sleeps(tid):
            pass

    def release(self):
        self._mutex["lock.__data.__owner"] = 0
        self._mutex["lock.__data.__lock"] = 0
        # Nobody but a thread of its own can wake those who sleep on it, but a stop makes them look again.
        with stopped(self.inside.pid):
            pass


@contextlib.contextmanager
def stopped(pid):
    """Nobody there does anything meanwhile. System calls that sleep begin anew."""
    os.kill(pid, signal.SIGSTOP)
    try:
        while not all(status["State"].startswith("T") for status in threads(pid).values()):
            pass
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
