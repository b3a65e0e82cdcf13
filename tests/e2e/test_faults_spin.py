"""A main loop that runs and comes back no more: QMP is dead with it, and what can be seen from outside can still be seen."""

import os
import re
from pathlib import Path

import pytest
import ring_faults
from rig import NULL, on

from vqitest.driver import Disk
from vqitest.harm import threads
from vqitest.inspector import check_evidence

AWAY = r"the main loop has not returned to its poll for 1\d\d\d ms: it runs, and does not look at its queues"


def does_spin(pid):
    """Whether the main loop's thread only runs: for a tenth of a second, without a sleep. One that is well soon sleeps."""
    enough = os.sysconf("SC_CLK_TCK") // 10
    for _ in range(20):
        sleeps, start = sample(pid)
        while (now := sample(pid))[0] == sleeps:
            if now[1] >= start + enough:
                return True
    return False


def sample(pid):
    """How often the thread has slept, and the clock ticks that it has used."""
    ticks = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()[11]
    return int(threads(pid)[pid]["voluntary_ctxt_switches"]), int(ticks)


def report_with_a_processor(rig, status):
    """A report of a thread that only runs: where others had the processors meanwhile, nothing is said of it."""
    for _ in range(10):
        report = rig.inspector.report(rig.vm.pid, status=status)
        if any(finding["id"] == "event-loop-blocked" for finding in report.findings):
            break
    return report


@on("pci-packed")
def test_broken_and_spinning(rig, machines):
    """On a packed ring, QEMU does not step over the bad buffer and tries it again for ever."""
    rig.add("-blockdev", NULL, "-blockdev", "null-co,node-name=d1,size=1048576,read-zeroes=on")
    rig.add_device("blk", "blk0", drive="d0", num_queues=1)
    rig.add_device("blk", "blk1", drive="d1", num_queues=1)
    rig.boot()
    disk, other = (Disk(rig.drive(name, {0: 64})) for name in ("blk0", "blk1"))
    disk.complete(10)
    other.read()
    other.ring.publish()
    fault = ring_faults.BOTH["zero-size"]
    place = fault.make(disk)
    device = rig.inside.devices()[rig.path("blk0")]
    machines.give_up(rig.vm)
    disk.ring.kick()  # an eventfd: QEMU answers before it acts
    while not device["broken"]:
        pass
    spins = does_spin(rig.vm.pid)
    report = report_with_a_processor(rig, 1) if spins else rig.inspector.report(rig.vm.pid, status=1)
    found = {finding["id"]: finding for finding in report.findings}
    broken = found.pop("device-broken")
    if not spins:  # later versions step over it, and blk1 is what it is
        assert set(found) == {"device-not-notified"}
        return
    (blocked,) = found.values()
    assert (blocked["id"], blocked["device"]) == ("event-loop-blocked", None)
    assert re.fullmatch(AWAY, blocked["summary"])
    check_evidence(blocked, rf"^thread {rig.vm.pid}, main loop \(.*\): state R$", "^waits for it: blk1 queue 0, 3 not taken$")
    check_evidence(broken, "^broken 1, status 0x4f with DEVICE_NEEDS_RESET", f"^queue 0: {fault.sentence}")
    queue = report.queue("blk0", 0)
    assert queue["ring_faults"] == [fault.word]
    assert queue["fault_place"] == {**place._asdict(), "gpa": f"{place.gpa:#x}"}


@on("pci-packed")
def test_disabled_and_spinning(rig, machines):
    """The guest takes bus mastering away and kicks: QEMU finds the ring neither empty nor anything to take from it."""
    disk = rig.disk()
    disk.complete(10)
    rig.drivers["blk0"].transport.device.decode(master=False)
    disk.read()
    disk.ring.publish()
    machines.give_up(rig.vm)
    disk.ring.kick()
    if not does_spin(rig.vm.pid):
        pytest.skip("this QEMU comes back")
    # No queue waits that the device could take anything from: it may yet come back.
    report = report_with_a_processor(rig, 0)
    finding = report.only_finding("event-loop-blocked", severity="warning", confidence="candidate")
    assert re.fullmatch(AWAY, finding["summary"])
    check_evidence(finding, rf"^thread {rig.vm.pid}, main loop \(.*\): state R$")
    check_evidence(finding, f"^the big QEMU lock is held by thread {rig.vm.pid}$")
    check_back_trace(rig)


def check_back_trace(rig):
    """A thread that runs is stopped for its back trace, alone, if it may be."""
    report = rig.inspector.report(rig.vm.pid, "--stacks", "--stop=never", status=None)
    (thread,) = (thread for thread in report.json["threads"] if thread["tid"] == rig.vm.pid)
    assert thread["stack"] == []
    assert "it runs: only stopping it would tell where" in thread["stack_gap"]
    assert (report.json["capture"]["stopped_threads"], report.json["capture"]["stopped_us"]) == (0, 0)
    report = rig.inspector.report(rig.vm.pid, "--stacks", status=None)
    (thread,) = (thread for thread in report.json["threads"] if thread["tid"] == rig.vm.pid)
    assert any((frame["function"] or "").startswith("virtio_") for frame in thread["stack"])
    assert thread["stack"][-1]["function"] in ("main", "__libc_start_main", "__libc_start_main_impl", "_start")
    assert report.json["capture"]["stopped_threads"] == 1
    assert report.json["capture"]["stopped_us"] > 0
