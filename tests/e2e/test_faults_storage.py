"""Requests that have left QEMU for a storage that does not answer: a file system, a server."""

import re

import pytest
from rig import on
from stuck_requests import check_stuck, submit

from vqitest.fuse import SlowFile, why_no_fuse
from vqitest.inspector import check_evidence
from vqitest.nbd import NbdServer

needs_fuse = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")


@needs_fuse
@on("pci-split")
@pytest.mark.parametrize("cached", [False, True], ids=["direct", "cached"])
def test_worker_waits_for_a_file(rig, tmp_path, cached):
    """A file on a file system that does not answer: a thread of QEMU's pool is in the kernel."""
    with SlowFile(tmp_path / "disk", size=16 << 20, cached=cached) as file:
        disk = rig.disk(f"file,node-name=d0,filename={file.path}")
        disk.complete(4, kind="read")
        file.hold()
        # Farther than the kernel has read ahead.
        submit(rig, disk, sector=16384, wait=file.wait_held)
        report, finding, block = check_stuck(rig, 1, f"a worker waits in pread64 on {re.escape(file.path)}")
        assert [node["filename"] for node in block["nodes"]] == [file.path]
        (worker,) = [thread for thread in report.json["threads"] if thread["file"] == file.path]
        state = "D" if cached else "S"
        assert (worker["role"], worker["state"], worker["syscall"]) == (None, state, "pread64")
        # In the kernel's words, which change from one to the next.
        assert worker["wchan"] is not None
        who = f"thread {worker['tid']}"
        where = f"in pread64 on {re.escape(file.path)}, wchan {re.escape(worker['wchan'])}"
        check_evidence(finding, rf"^{who} \(.*\): state {state} {where}$")
        file.release()
        rig.check_well(disk.ring, 1)


@on("pci-split", "mmio-packed")
def test_server_does_not_answer(rig, tmp_path):
    with NbdServer(tmp_path / "socket") as server:
        disk = rig.disk(server.blockdev("d0"))
        disk.complete(4, kind="read")
        server.fall_silent()
        submit(rig, disk, 2)
        _, finding, block = check_stuck(rig, 2, "they are in the block layer, node d0")
        check_evidence(finding, "^node d0, driver nbd: in_flight 4, tracked_requests 2 ")
        # A URL may have a password in it: it is not shown.
        assert [(node["driver"], node["filename"]) for node in block["nodes"]] == [("nbd", None)]
        server.speak_again()
        rig.check_well(disk.ring, 2)
