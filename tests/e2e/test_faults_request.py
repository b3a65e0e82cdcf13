"""Requests that the device has taken and does not complete: in which layer of QEMU they are, and what holds them."""

import json

import pytest
from gdb_oracle import check_with_gdb
from rig import GEOMETRY, SLOW, on, on_all
from stuck_requests import check_stuck, node_of, qcow2_on_blkdebug, qemu_io, submit

from vqitest.driver import Disk
from vqitest.inspector import check_evidence

# In the block layer.


@on_all
@pytest.mark.parametrize("count, event_idx", [(1, True), (5, False)], ids=["one", "five-flags"])
def test_slow_node(rig, count, event_idx):
    disk = rig.disk(SLOW, event_idx=event_idx, **GEOMETRY)
    submit(rig, disk, count, "write")
    where = "it is" if count == 1 and not rig.kind.packed else "they are"
    report, finding, block = check_stuck(rig, count, f"{where} in the block layer, node d0")
    check_evidence(finding, "^back end: block, node d0, driver null-co$")
    check_evidence(finding, rf"^node d0, driver null-co: in_flight {2 * count}, tracked_requests {count} \(at ")
    (node,) = block["nodes"]
    assert (node["node_name"], node["driver"], node["filename"]) == ("d0", "null-co", None)
    assert (node["in_flight"], node["tracked"], node["serialising"]) == (2 * count, count, 0)
    if event_idx and rig.kind.transport != "mmio-legacy":
        check_with_gdb(report, rig.vm.pid)


@on("pci-split")
def test_overlapping_requests(rig):
    """Requests that wait for another are told from the one that the storage has."""
    slow = {"driver": "null-co", "node-name": "slow", "size": 1 << 30, "read-zeroes": True, "latency-ns": 3600 * 10**9}
    disk = rig.disk(json.dumps({"driver": "blkdebug", "node-name": "d0", "align": 4096, "image": slow}), **GEOMETRY)
    submit(rig, disk, 3, "write")
    _, finding, block = check_stuck(rig, 3, "they are in the block layer, node slow")
    check_evidence(finding, "^node d0, driver blkdebug: in_flight 6, tracked_requests 3, 2 of them behind an overlapping one")
    check_evidence(finding, r"^node slow, driver null-co: in_flight 1, tracked_requests 1 \(at ")
    assert (node_of(block, "d0")["serialising"], node_of(block, "slow")["tracked"]) == (2, 1)
    # What is below the device's own node names it, too.
    assert [device["id"] for device in rig.inspector.report(rig.vm.pid, "-d", "slow", status=1).devices] == ["blk0"]


@on("pci-split")
def test_in_format_driver(rig, tmp_path):
    """qcow2 has them, and what is below it has none."""
    disk = rig.disk(qcow2_on_blkdebug(tmp_path))
    qemu_io(rig, "break write_aio A")
    submit(rig, disk, 1, "write")
    _, finding, block = check_stuck(rig, 1, "it is in the block layer, node d0")
    check_evidence(finding, "^node d0, driver qcow2: in_flight 2, tracked_requests 1 ")
    assert [node["driver"] for node in block["nodes"]] == ["qcow2", "blkdebug", "file"]
    assert node_of(block, "debug")["in_flight"] == 0
    assert [node["filename"] for node in block["nodes"] if node["driver"] == "file"] == [str(tmp_path / "image")]
    qemu_io(rig, "resume A")
    rig.check_well(disk.ring, 1)


# Held back.


@on("mmio-legacy", "mmio-packed", "pci-split", "pci-packed")
def test_throttle_group(rig):
    """At ten bytes a second nothing comes for most of a minute. Then the limit is lifted, and all goes on."""
    rig.add("-object", "throttle-group,id=limits")
    null = "null-co,node-name=null,size=1073741824,read-zeroes=on"
    disk = rig.disk([null, "throttle,node-name=d0,throttle-group=limits,file=null"], num=1024)
    disk.complete(65534)
    limit(rig, {"bps-total": 10})
    disk.complete(1, kind="read")
    submit(rig, disk, 4)
    _, finding, block = check_stuck(rig, 4, "throttle group limits holds them back")
    check_evidence(finding, "^node d0: 4 wait in throttle group limits$")
    # The bug that shows like this is one of several event loops, and here is no iothread.
    assert finding["known_fixes"] == []
    node = node_of(block, "d0")
    assert (node["driver"], node["throttled"], node["throttle_group"]) == ("throttle", 4, "limits")
    assert node_of(block, "null")["in_flight"] == 0
    limit(rig, {"bps-total": 0})
    drain(rig)
    rig.check_well(disk.ring, 4)


def limit(rig, limits):
    rig.vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value=limits)


def drain(rig):
    """The timers of what waits stay as they were, whatever the limits are now; this starts them all."""
    rig.vm.qmp.execute("stop")
    rig.vm.qmp.execute("cont")


@on("pci-split")
def test_throttled_drive(rig):
    """The limits of -drive are the BlockBackend's."""
    rig.add("-drive", "if=none,id=d0,driver=null-co,size=1M,read-zeroes=on,throttling.bps-total=1000000,throttling.group=mine")
    rig.add_device("blk", "blk0", drive="d0", num_queues=1)
    rig.boot()
    disk = Disk(rig.drive("blk0", {0: 64}))
    limits = {"id": f"{rig.path('blk0')}", "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0, "iops_wr": 0}
    rig.vm.qmp.execute("block_set_io_throttle", bps=10, **limits)
    disk.complete(1, kind="read")
    submit(rig, disk, 3)
    group = {"throttled": 3, "throttle_group": "mine"}
    _, finding, block = check_stuck(rig, 3, "throttle group mine holds them back", **group)
    check_evidence(finding, "^3 wait in throttle group mine$", "^back end: block d0, node #block")
    assert [node["tracked"] for node in block["nodes"]] == [0]
    rig.vm.qmp.execute("block_set_io_throttle", bps=0, **limits)
    rig.check_well(disk.ring, 3)


@on("pci-split", "mmio-packed")
def test_drained_back_end(rig):
    """A drain that did not end: requests queue before the block layer."""
    disk = rig.disk()
    disk.complete(10)
    back_end = rig.inside.back_end(rig.path("blk0"))
    back_end["quiesce_counter"] = 1
    submit(rig, disk, 2)
    _, finding, block = check_stuck(rig, 2, "the back end is drained", in_flight=0, quiesce_counter=1)
    check_evidence(finding, f"^BlockBackend at {back_end.address:#x}: 0 in flight, quiesce_counter 1,")
    assert [node["in_flight"] for node in block["nodes"]] == [0]
    back_end["quiesce_counter"] = 0
    drain(rig)
    rig.check_well(disk.ring, 2)


# And nothing else is blamed.


@on("mmio-legacy", "pci-split", "pci-packed")
def test_it_comes_before_not_notified(rig):
    """Some requests are in the device and others wait unseen: two facts of one queue, and the first explains it."""
    disk = rig.disk(SLOW, **GEOMETRY)
    start = disk.ring.mark()
    disk.submit(2, "read")
    rig.wait_taken(disk.ring)
    taken = disk.ring.mark()
    disk.read()
    disk.ring.publish()
    rig.expect(disk.ring, state="stuck", used=start, taken=taken, seen=taken)
    finding = rig.report(status=1).only_finding("request-stuck-in-device", "blk0", 0)
    check_evidence(finding, f"^{3 if rig.kind.packed else 1} more published and not taken$")


@on("pci-split", "mmio-split")
def test_only_the_stuck_device_is_blamed(rig):
    """A second disk, idle, and a third without a driver."""
    for name in ("d1", "d2"):
        rig.add("-blockdev", f"null-co,node-name={name},size=1048576,read-zeroes=on")
    rig.add("-blockdev", SLOW)
    rig.add_device("blk", "stuck", drive="d0", num_queues=1, **GEOMETRY)
    rig.add_device("blk", "idle", drive="d1", num_queues=2)
    rig.add_device("blk", "asleep", drive="d2", num_queues=1)
    rig.boot()
    stuck = Disk(rig.drive("stuck", {0: 64}))
    idle = Disk(rig.drive("idle", {0: 64, 1: 64}), index=1)
    idle.complete(7)
    submit(rig, stuck, 2)
    rig.expect(idle.ring, state="idle")
    report = rig.report(status=1)
    report.only_finding("request-stuck-in-device", "stuck", 0)
    assert report.states() == {
        ("stuck", 0): "stuck",
        ("idle", 0): "idle",
        ("idle", 1): "idle",
        ("asleep", 0): "disabled",
    }
    # Of a device that waits for nothing, it is not read what its back end does.
    assert [device["id"] for device in report.devices if device["backends"][0]["block"]] == ["stuck"]
