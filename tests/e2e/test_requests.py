"""The requests in flight: which, what they ask for, how old they are, and what carries them on."""

import json
import re

import pytest
from rig import GEOMETRY, SLOW, on, on_all
from stuck_requests import submit

from vqitest.driver import Disk
from vqitest.fuse import READ, SlowFile, why_no_fuse
from vqitest.scsi import ScsiDisk

needs_fuse = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")

SECRET = b"the guest's own business"

def listed(rig, *arguments, status=1, queue=("blk0", 0)):
    """The requests of a report, by their heads."""
    requests = rig.report("--requests", *arguments, status=status).queue(*queue)["requests"]
    assert len({request["head"] for request in requests}) == len(requests)
    return {request["head"]: request for request in requests}


def check_exact(requests, heads):
    """QEMU has a record of each of these, and of no other."""
    assert sorted(requests) == sorted(heads)
    for request in requests.values():
        assert (request["source"], request["candidate"]) == ("qemu", False)
        assert int(request["element"], 16)


def check_buffers(rig, request, *buffers):
    """(guest address, length, whether the device writes it): and they are where the report says."""
    assert [
        (int(found["gpa"], 16), found["len"], found["device_writes"]) for found in request["descriptors"]
    ] == list(buffers)
    for found in request["descriptors"]:
        guest = rig.bus.read(int(found["gpa"], 16), found["len"])
        assert rig.inside.read(int(found["hva"], 16), found["len"]) == int.from_bytes(guest, "little")


# Which.


@on_all
def test_each_of_them(rig):
    """Twenty reads of different sectors and lengths: nothing of them is wrong."""
    disk = rig.disk(SLOW, **GEOMETRY)
    disk_requests = {}
    for number in range(20):
        kind = "read" if number % 2 else "write"
        sector, sectors = 1000 * number, 1 + number % 3
        disk_requests[getattr(disk, kind)(sector, sectors)] = kind, sector, sectors
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)
    requests = listed(rig)
    check_exact(requests, disk_requests)
    for head, (kind, sector, sectors) in disk_requests.items():
        request = requests[head]
        assert (request["kind"], request["coroutine"]) == (kind, "waiting")
        assert request["detail"]["sector"] == sector
        assert request["detail"]["len"] == 512 * sectors
        header, data, state = disk._request(Disk.READ if kind == "read" else Disk.WRITE, sector, sectors)
        buffers = (header, 16, False), (data, 512 * sectors, kind == "read"), (state, 1, True)
        check_buffers(rig, request, *buffers)
        assert request["age_at_least"]
        assert 1000 <= request["age_ms"] < 60000
        assert (request["dump"], request["stack"], request["stack_gap"]) == (None, [], None)


@needs_fuse
@on_all
def test_out_of_order(rig, tmp_path):
    """Thirty-two reads that do not come back, among hundreds of writes that do: they are those, every one."""
    with SlowFile(tmp_path / "disk") as storage:
        disk = rig.disk(json.dumps({"driver": "file", "node-name": "d0", "filename": storage.path}))
        storage.hold([READ])
        disk.complete(250)
        sectors = {}
        for number in range(32):
            sectors[disk.read(sector=10 * number)] = 10 * number
            disk.ring.publish()
            disk.ring.kick()
            storage.wait_held(number + 1)
            disk.complete(7, kind="write")
        requests = listed(rig)
        check_exact(requests, sectors)
        assert {head: request["detail"]["sector"] for head, request in requests.items()} == sectors
        storage.release_some(lambda offset: offset // 5120 % 2 == 0)
        disk.ring.wait_used(16)
        done = {head for head, _ in disk.ring.reap()}
        assert done == {head for head, sector in sectors.items() if sector // 10 % 2 == 0}
        check_exact(listed(rig), set(sectors) - done)
        storage.release()
        disk.ring.wait_used(16)
        disk.ring.reap()
        assert listed(rig, status=0) == {}


@on("pci-split", "mmio-packed")
def test_queue_and_device_that_are_asked_for(rig):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 2)
    # What is stuck is looked at closer anyway, for the finding; it is listed for programs, and for people who ask.
    report = rig.inspector.report(rig.vm.pid, status=1)
    assert len(report.queue("blk0", 0)["requests"]) == 2
    text = rig.inspector.run("--pid", rig.vm.pid).stdout
    assert "    one of them: read sector " in text
    assert "requests in flight" not in text
    assert rig.inspector.report(rig.vm.pid, "--once").queue("blk0", 0)["requests"] == []
    report = rig.inspector.report(rig.vm.pid, "--requests", "--queue=0", "--once", status=0)
    assert len(report.queue("blk0", 0)["requests"]) == 2
    assert {request["age_ms"] for request in report.queue("blk0", 0)["requests"]} == {None}


# What they ask for, and what is in them.


@on("pci-split", "mmio-packed")
def test_merged_requests(rig):
    """virtio-blk makes one request of what lies side by side: each is listed, and all have its coroutine."""
    disk = rig.disk(SLOW, **GEOMETRY)
    sectors = {disk.read(sector=100 + number): 100 + number for number in range(5)}
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)
    requests = listed(rig, "--stacks")
    check_exact(requests, sectors)
    stacks = [[frame["pc"] for frame in request["stack"]] for request in requests.values()]
    assert len(stacks[0]) > 4
    assert stacks == [stacks[0]] * 5
    assert {head: request["detail"]["sector"] for head, request in requests.items()} == sectors


@on_all
def test_scsi_commands(rig):
    """The name of the command, where on the disk, and which disk."""
    rig.add_device("scsi", "scsi0")
    rig.add("-blockdev", f"{SLOW},read-only=off")
    geometry = ",".join(f"{name}={value}" for name, value in GEOMETRY.items())
    rig.add("-device", f"scsi-hd,id=hd3,drive=d0,scsi-id=3,lun=0,bus=scsi0.0,{geometry}")
    rig.boot()
    disk = ScsiDisk(rig.drive("scsi0", {0: 64, 1: 64, 2: 128}), 3)
    disk.make_ready()
    for number in range(4):
        disk.write(7000 + 10 * number)
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)
    requests = listed(rig, queue=("scsi0", 2))
    assert len(requests) == 4
    for number, request in enumerate(sorted(requests.values(), key=lambda request: request["detail"]["lba"])):
        assert (request["kind"], request["source"], request["candidate"]) == ("write(10)", "qemu", False)
        assert request["detail"]["lba"] == 7000 + 10 * number
        assert request["detail"]["cdb"].replace(" ", "").startswith(f"2a00{7000 + 10 * number:08x}00000100")
        assert request["coroutine"] == "waiting"


@on("pci-split", "mmio-legacy", "mmio-packed")
def test_contents_are_not_shown_unless_asked_for(rig):
    disk = rig.disk(SLOW, **GEOMETRY)
    head = disk.write(sector=5)
    header, data, _ = disk._request(Disk.WRITE, 5, 1)
    rig.bus.write(data, SECRET)
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)
    for arguments in (["--stacks=all"], ["--stacks=all", "-v"], ["--stacks=all", "--format=json"]):
        done = rig.inspector.run("--pid", rig.vm.pid, *arguments)
        assert SECRET.decode() not in done.stdout
        assert SECRET.hex() not in done.stdout
    dump = bytes.fromhex(listed(rig, "--dump-bytes=60")[head]["dump"])
    assert dump == rig.bus.read(header, 16) + SECRET + bytes(60 - 16 - len(SECRET))
    assert len(bytes.fromhex(listed(rig, "--dump-bytes=65536")[head]["dump"])) == 16 + 512 + 1
    shown = rig.inspector.run("--pid", rig.vm.pid, "--dump-bytes=40").stdout
    assert "the guest's own" in shown.replace("|\n", "")


# Where they wait.


@on("pci-split")
def test_coroutine_that_runs(rig, tmp_path):
    """A thread waits for a mutex on the stack of the coroutine: it is named, and has the back trace."""
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    rig.add("-object", "iothread,id=io0,poll-max-ns=0")
    disk = rig.disk(f"file,node-name=d0,filename={image}", iothread="io0")
    disk.complete(4, kind="read")
    pool = rig.inside.thread_pool(rig.inside.context_of(rig.path("blk0")))
    lock = rig.inside.mutex(pool, "lock")
    (tid,) = (thread["thread-id"] for thread in rig.vm.qmp.execute("query-iothreads"))
    lock.take(rig.vm.pid)
    disk.submit(1, "write")
    lock.wait_contended(tid)
    report = rig.inspector.report(rig.vm.pid, "--stacks", status=1)
    (request,) = report.queue("blk0", 0)["requests"]
    assert (request["coroutine"], request["tid"], request["stack"]) == ("running", tid, [])
    (thread,) = (thread for thread in report.json["threads"] if thread["tid"] == tid)
    functions = [frame["function"] for frame in thread["stack"]]
    submit_at = next(place for place, name in enumerate(functions) if name and name.startswith("thread_pool_submit_"))
    assert functions.index("blk_aio_write_entry") > submit_at
    assert report.json["capture"]["stopped_threads"] == 0
    lock.release()
    rig.check_well(disk.ring, 1)


@on("pci-split")
def test_text(rig):
    """For a person: the request, its age, and where it waits; all frames with -v."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 10, "write")
    text = rig.inspector.run("--pid", rig.vm.pid, "--stacks").stdout
    assert re.search(r"^blk0 queue 0: 10 requests in flight, the oldest first$", text, re.MULTILINE)
    assert re.search(r"^    write sector \d+, 512 bytes, head \d+, for 1\d\d\d ms or more$", text, re.MULTILINE)
    assert re.search(r"^      each waits in null_co_pwritev, called by bdrv_", text, re.MULTILINE)
    assert "    2 more; -v lists them\n" in text
    assert re.search(r"^    one of them: write sector .*; waits in null_co_pwritev, called by bdrv_", text, re.MULTILINE)
    assert re.search(rf"^thread {rig.vm.pid}, main loop, state S, in ppoll\n    waits in ppoll$", text, re.MULTILINE)
    text = rig.inspector.run("--pid", rig.vm.pid, "--stacks", "-v").stdout
    assert len(re.findall(r"^    write sector", text, re.MULTILINE)) == 10
    assert re.search(r"^      #0 0x[0-9a-f]+ qemu_coroutine_switch\+0x[0-9a-f]+ \(qemu-system-x86_64\)", text, re.MULTILINE)
    assert "back trace: no unwind" not in text
