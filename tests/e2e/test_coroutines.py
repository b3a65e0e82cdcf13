"""Where requests wait: the back traces of their coroutines, frame by frame as QEMU's own gdb script has them."""

import json
import re

import pytest
from gdb_coroutines import gdb_coroutines
from rig import GEOMETRY, NULL, SLOW, on
from stuck_requests import qcow2_on_blkdebug, qemu_io
from test_faults_vm import failing_disk

from vqitest.nbd import NbdServer
from vqitest.scsi import ScsiDisk

INNERMOST = "qemu_coroutine_switch"
# What every coroutine begins with; glibc calls the first.
OUTERMOST = ["coroutine_trampoline", "__start_context"]
CLONE = re.compile(r"\..*")  # a part of a function, or a copy of it that has some arguments only


def park(rig, disk, count=1, kind="read", step=2):
    """So many requests that will not be done; with a step of 1 sector they lie side by side."""
    for number in range(count):
        getattr(disk, kind)(*([step * number] if kind != "flush" else []))
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)


def scsi_disk(rig, node, **properties):
    """A disk on a node d0, behind a controller scsi0."""
    words = [f"{name}={value}" for name, value in properties.items()]
    rig.add("-blockdev", node)
    rig.add_device("scsi", "scsi0")
    rig.add("-device", ",".join(["scsi-hd,id=hd0,drive=d0,scsi-id=0,lun=0,bus=scsi0.0", *words]))
    rig.boot(smp=1)
    disk = ScsiDisk(rig.drive("scsi0", {0: 64, 1: 64, 2: 128}), 0)
    disk.make_ready()
    return disk


def check_frames(stack, expected):
    """gdb knows neither the outermost function, nor that nothing calls it."""
    expected = expected[: len(stack)]
    assert [int(frame["pc"], 16) for frame in stack] == [frame["pc"] for frame in expected]
    assert [frame["function"] for frame in expected[-2:]] == [OUTERMOST[0], None]
    for frame, theirs in zip(stack[:-1], expected):
        assert (CLONE.sub("", frame["function"]), frame["line"]) == (theirs["function"], theirs["line"])
        assert frame["module"] == "qemu-system-x86_64"
        assert frame["file"].endswith((".c", ".h"))


def check_waits(rig, count, where, entry, queue=("blk0", 0)):
    """So many requests wait, all or the first of them in a function; entry is what their coroutines were made for."""
    report = rig.inspector.report(rig.vm.pid, "--stacks", "--once", status=None)
    requests = report.queue(*queue)["requests"]
    assert len(requests) == count
    print(json.dumps(requests))
    assert {request["coroutine"] for request in requests} == {"waiting"}
    expected = gdb_coroutines(rig.vm.pid, {int(request["coroutine_addr"], 16) for request in requests})
    for request in requests:
        assert request["stack_gap"] is None
        check_frames(request["stack"], expected[int(request["coroutine_addr"], 16)])
        names = [frame["function"] for frame in request["stack"]]
        assert names[0] == INNERMOST
        assert names[-3:] == [entry, *OUTERMOST]
    text = rig.inspector.text(rig.vm.pid, "--stacks", "--once", status=report.json["exit_status"])
    waits = parse_waits(text)
    assert len(waits) == count
    assert re.fullmatch(where, waits[0]), waits
    return waits


def parse_waits(text):
    """The function that each request waits in. Of several that wait alike, it is said after the last."""
    waits, alike = [], 0
    for line in text.splitlines():
        alike += bool(re.match(r" {4}\S.*\bhead \d", line)) and not re.match(r" {4}(request|oldest|one of them):", line)
        if match := re.match(r" {6}(?:each )?waits in (\w+)", line):
            waits += [match[1]] * alike
            alike = 0
    return waits


# In a driver.


@on("pci-split", "mmio-packed")
@pytest.mark.parametrize("kind", ["read", "write"])
def test_slow_node(rig, kind):
    disk = rig.disk(SLOW, **GEOMETRY)
    park(rig, disk, 3, kind)
    function = {"read": "null_co_preadv", "write": "null_co_pwritev"}[kind]
    assert len(set(check_waits(rig, 3, function, f"blk_aio_{kind}_entry"))) == 1


@on("pci-split")
def test_iothread(rig):
    rig.add("-object", "iothread,id=io0")
    disk = rig.disk(SLOW, iothread="io0", **GEOMETRY)
    park(rig, disk, 2)
    check_waits(rig, 2, "null_co_preadv", "blk_aio_read_entry")


@on("pci-split")
def test_merged(rig):
    """virtio-blk makes one request of neighbours: they have one coroutine."""
    disk = rig.disk(SLOW, **GEOMETRY)
    park(rig, disk, 4, step=1)
    check_waits(rig, 4, "null_co_preadv", "blk_aio_read_entry")
    requests = rig.inspector.report(rig.vm.pid, "--requests", "--once", status=None).queue("blk0", 0)["requests"]
    assert len({request["coroutine_addr"] for request in requests}) == 1


@on("pci-split", "mmio-split")
def test_scsi(rig):
    """Between the request and its coroutine is the DMA's own."""
    disk = scsi_disk(rig, SLOW, **GEOMETRY)
    for block in (0, 8):
        disk.write(block)
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)
    check_waits(rig, 2, "null_co_pwritev", "blk_aio_write_entry", queue=("scsi0", 2))


@on("pci-split", "pci-packed")
def test_qcow2_write(rig, tmp_path):
    """Into a cluster that it has just been given."""
    disk = rig.disk(qcow2_on_blkdebug(tmp_path))
    qemu_io(rig, "break write_aio A")
    park(rig, disk, 1, "write")
    qemu_io(rig, "wait_break A")
    check_waits(rig, 1, "(suspend_request|blkdebug_.*)", "blk_aio_write_entry")
    qemu_io(rig, "resume A")
    rig.check_well(disk.ring, 1)


@on("pci-split")
@pytest.mark.parametrize("event", ["flush_to_os", "flush_to_disk"])
def test_flush(rig, tmp_path, event):
    disk = rig.disk(qcow2_on_blkdebug(tmp_path))
    disk.complete(1, kind="write")
    qemu_io(rig, f"break {event} A")
    park(rig, disk, 1, "flush")
    qemu_io(rig, "wait_break A")
    check_waits(rig, 1, "(suspend_request|blkdebug_.*)", "blk_aio_flush_entry")
    qemu_io(rig, "resume A")
    rig.check_well(disk.ring, 1)


@on("pci-split")
def test_silent_server(rig, tmp_path):
    with NbdServer(tmp_path / "socket") as server:
        disk = rig.disk(server.blockdev("d0"))
        disk.complete(4, kind="read")
        server.fall_silent()
        park(rig, disk, 2)
        check_waits(rig, 2, "nbd_.*", "blk_aio_read_entry")
        server.speak_again()
        rig.check_well(disk.ring, 2)


# Held back.


@on("pci-split")
def test_throttle_group(rig):
    rig.add("-object", "throttle-group,id=limits")
    null = NULL.replace("d0", "null")
    disk = rig.disk([null, "throttle,node-name=d0,throttle-group=limits,file=null"])
    rig.vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value={"bps-total": 10})
    disk.complete(1, kind="read")
    park(rig, disk, 3)
    check_waits(rig, 3, "throttle_group_co_io_limits_intercept", "blk_aio_read_entry")


@on("pci-split")
def test_overlapping_writes(rig):
    """Two of them wait for the one that is in the slow node."""
    slow = {"driver": "null-co", "node-name": "slow", "size": 1 << 30, "read-zeroes": True, "latency-ns": 3600 * 10**9}
    disk = rig.disk(json.dumps({"driver": "blkdebug", "node-name": "d0", "align": 4096, "image": slow}), **GEOMETRY)
    park(rig, disk, 3, "write")
    first, *others = check_waits(rig, 3, "null_co_p.*", "blk_aio_write_entry")
    for other in others:
        assert re.fullmatch("bdrv_(wait_serialising_requests.*|make_request_serialising|.*serialising.*)", other)


@on("pci-split", "mmio-packed")
def test_drained_back_end(rig):
    disk = rig.disk()
    disk.complete(10)
    back_end = rig.inside.back_end(rig.path("blk0"))
    back_end["quiesce_counter"] = 1
    park(rig, disk, 2)
    check_waits(rig, 2, "blk_(wait_while_drained|co_do_p.*)", "blk_aio_read_entry")
    back_end["quiesce_counter"] = 0
    rig.vm.qmp.execute("stop")
    rig.vm.qmp.execute("cont")
    rig.check_well(disk.ring, 2)


# None.


def check_none(rig, count, queue):
    for option in ("--requests", "--stacks"):
        requests = rig.inspector.report(rig.vm.pid, option, "--once", status=None).queue(*queue)["requests"]
        assert len(requests) == count
        for request in requests:
            assert (request["source"], request["candidate"]) == ("qemu", False)
            assert (request["coroutine"], request["coroutine_addr"], request["tid"]) == (None, None, None)
            assert (request["stack"], request["stack_gap"]) == ([], None)


@on("pci-split", "mmio-packed")
def test_parked(rig):
    """A disk failed under werror=stop, and the coroutines of its requests ended with that."""
    disk = rig.disk(failing_disk("d0", "write", 5), werror="stop")
    disk.complete(10)
    disk.submit(2, "write")
    rig.vm.qmp.wait_event("STOP")
    check_none(rig, 2, ("blk0", 0))
    rig.vm.qmp.execute("cont")
    rig.check_well(disk.ring, 2)


@on("pci-split")
def test_parked_scsi(rig):
    disk = scsi_disk(rig, failing_disk("d0", "write", 5), werror="stop")
    for block in (0, 8):
        disk.write(block)
    disk.ring.publish()
    disk.ring.kick()
    rig.vm.qmp.wait_event("STOP")
    check_none(rig, 2, ("scsi0", 2))
    rig.vm.qmp.execute("cont")
    rig.check_well(disk.ring, 2)
