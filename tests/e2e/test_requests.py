"""The requests in flight: which, what they ask for, how old they are, and what carries them on."""

import json
import subprocess

import pytest
from rig import GEOMETRY, SLOW, on, on_all
from stuck_requests import submit

from vqitest import qemu_folder
from vqitest.driver import Disk
from vqitest.fuse import READ, SlowFile, why_no_fuse

needs_fuse = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")

CLUSTER = 128  # sectors, of qcow2

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


@pytest.fixture
def qcow2(tmp_path):
    """A -blockdev of a node d0 whose writes can be made to wait, one by one: blkdebug hears of them from qcow2."""
    image = tmp_path / "image"
    subprocess.run([qemu_folder() / "qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], check=True)
    debug = {"driver": "blkdebug", "node-name": "debug", "image": {"driver": "file", "filename": str(image)}}
    return json.dumps({"driver": "qcow2", "node-name": "d0", "file": debug})


def qemu_io(rig, command):
    """By the device's own BlockBackend."""
    assert rig.vm.qmp.hmp(f'qemu-io -d {rig.path("blk0")} "{command}"') == ""


def write_that_waits(rig, disk, number):
    qemu_io(rig, f"break write_aio tag{number}")
    head = disk.write(sector=CLUSTER * number)
    disk.ring.publish()
    disk.ring.kick()
    rig.wait_taken(disk.ring)
    return head


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
    report = rig.inspector.report(rig.vm.pid, status=1)
    assert report.queue("blk0", 0)["requests"] == []
    report = rig.inspector.report(rig.vm.pid, "--requests", "--queue=0", "--once", status=0)
    assert len(report.queue("blk0", 0)["requests"]) == 2
    assert {request["age_ms"] for request in report.queue("blk0", 0)["requests"]} == {None}


@on("pci-split")
def test_stacks(rig, qcow2):
    disk = rig.disk(qcow2)
    head = write_that_waits(rig, disk, 0)
    done = rig.inspector.run("--pid", rig.vm.pid, "--stacks=all", "-v")
    print(done.stdout)
    done = rig.inspector.run("--pid", rig.vm.pid, "--stacks")
    print(done.stdout)
    assert 0
