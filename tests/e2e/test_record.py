"""Recordings: what was seen of a QEMU is seen again when that is gone, to the byte."""

import re
import shutil
from pathlib import Path

import odd_qemus
import pytest
from rig import GEOMETRY, SLOW, on
from stuck_requests import submit

from vqitest.driver import Disk
from vqitest.inspector import Report

# Of a few devices; hundreds of KiB are less than a hundredth of what such a QEMU has of memory.
MAX_SIZE = 512 << 10


class Recorded:
    """One inspection that was recorded, and what it has printed."""

    def __init__(self, inspector, pid, path, *arguments, prints=(), **more):
        self.inspector = inspector
        self.path = path
        self.prints = prints
        done = inspector.run("--pid", pid, "--record", path, *arguments, *prints, **more)
        self.status = done.returncode
        self.stdout = done.stdout
        assert done.stderr == ""
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_size < MAX_SIZE

    def replay(self, *arguments, **more):
        return self.inspector.run("--replay", self.path, *arguments, **more)

    def check(self, **more):
        done = self.replay(*self.prints, **more)
        assert (done.returncode, done.stderr) == (self.status, "")
        assert done.stdout == self.stdout
        return done


PRINTS = {"text": (), "verbose": ("--verbose",), "json": ("--format=json",)}


def record_all(inspector, pid, folder, *arguments):
    return [
        Recorded(inspector, pid, folder / f"{name}.recording", *arguments, prints=prints)
        for name, prints in PRINTS.items()
    ]


def end(rig):
    """Nothing of it is left but what was recorded."""
    machine = rig.machines.forget(rig.vm)
    machine.__exit__(None, None, None)
    assert not Path(f"/proc/{machine.pid}").exists()


@on("pci-split", "pci-packed", "mmio-split")
def test_healthy(rig, tmp_path):
    disk = rig.disk()
    disk.complete(5)
    recorded = record_all(rig.inspector, rig.vm.pid, tmp_path)
    once = Recorded(rig.inspector, rig.vm.pid, tmp_path / "once", "--once", prints=("--verbose",))
    assert [one.status for one in [*recorded, once]] == [0] * 4
    end(rig)
    for one in [*recorded, once]:
        one.check()


@on("pci-split", "mmio-packed")
@pytest.mark.parametrize("how", ["--requests", "--stacks", "--stacks=all", "--dump-bytes=64", "--stop=always", None])
def test_stuck(rig, tmp_path, how):
    """Also where nothing more is asked for: then the finding says where the requests wait."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 3)
    recorded = record_all(rig.inspector, rig.vm.pid, tmp_path, *([how] if how else []))
    assert [one.status for one in recorded] == [1] * 3
    end(rig)
    for one in recorded:
        one.check()
    report = Report(recorded[2].stdout)
    assert [finding["id"] for finding in report.findings] == ["request-stuck-in-device"]
    requests = report.queue("blk0", 0)["requests"]
    assert len(requests) == 3
    if how in ("--stacks", "--stacks=all"):
        assert all(request["stack"] for request in requests)
    # What was recorded decides what is seen, and not how it is printed.
    assert rig.inspector.run("--replay", recorded[0].path, "--quiet").stdout == ""
    assert Report(recorded[0].replay("--format=json").stdout).findings[0]["id"] == "request-stuck-in-device"


@on("pci-split")
def test_quiet(rig, tmp_path):
    """What is not printed is recorded nevertheless."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 1)
    path = tmp_path / "recording"
    done = rig.inspector.run("--pid", rig.vm.pid, "--record", path, "--quiet", "--stacks")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    end(rig)
    report = Report(rig.inspector.run("--replay", path, "--format=json").stdout)
    (request,) = report.queue("blk0", 0)["requests"]
    assert request["stack"] and request["stack_gap"] is None


@on("pci-split")
def test_selection(rig, tmp_path):
    """Less can be looked at than was recorded, and what was chosen then stays chosen."""
    rig.add_device("rng", "rng0")
    disk = rig.disk()
    disk.complete(5)
    every = Recorded(rig.inspector, rig.vm.pid, tmp_path / "all", prints=("--format=json",))
    one = Recorded(rig.inspector, rig.vm.pid, tmp_path / "one", "--device=rng0", prints=("--format=json",))
    end(rig)
    assert len(Report(every.check().stdout).devices) == 2
    assert [Report.label(device) for device in Report(one.check().stdout).devices] == ["rng0"]
    report = Report(every.replay("--format=json", "--device=blk0", "--queue=0").stdout)
    assert [Report.label(device) for device in report.devices] == ["blk0"]
    done = every.replay("--device=nothing")
    assert (done.returncode, done.stdout) == (2, "")


@on("pci-split")
def test_stripped(rig, tmp_path):
    """The layout, which is from a profile, is in the recording; so are the names of functions."""
    rig.add("-blockdev", SLOW)
    rig.add_device("blk", "blk0", drive="d0", num_queues=1, queue_size=256, **GEOMETRY)
    copy = odd_qemus.strip(tmp_path / "qemu-system-x86_64")
    rig.boot(kind=odd_qemus.OddQemu, executable=copy)
    submit(rig, Disk(rig.drive("blk0", {0: 256})), 2)
    recorded = record_all(rig.inspector, rig.vm.pid, tmp_path, "--stacks", "--no-cache")
    end(rig)
    copy.unlink()
    for one in recorded:
        one.check()
    assert Report(recorded[2].stdout).target["layout_source"] == "profile"


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@on("pci-split")
def test_nothing_else_is_looked_at(rig, tmp_path):
    """As on another machine: no process, no program, no debug information, no cache; and nothing waits."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 1)
    recorded = Recorded(rig.inspector, rig.vm.pid, tmp_path / "recording", "--stacks=all", "--interval=2")
    log = tmp_path / "strace"
    recorded.check(prefix=["strace", "-f", "-o", str(log), "-e", "trace=!write"])
    calls = log.read_text()
    assert str(recorded.path) in calls
    for needless in (f"/proc/{rig.vm.pid}", "qemu", "/layouts", "/.debug", "nanosleep", "ptrace", "clone", "connect"):
        assert needless not in re.sub(re.escape(str(tmp_path)), "", calls), needless


def test_damaged(rig, tmp_path):
    """Cut off, changed, of another version, or something else: refused, in one line."""
    rig.add_device("rng", "rng0")
    rig.boot()
    recorded = Recorded(rig.inspector, rig.vm.pid, tmp_path / "recording", "--once")
    whole = recorded.path.read_bytes()
    start = whole.index(b"\n") + 1
    broken = {
        "cut off": whole[:-1],
        "half": whole[: len(whole) // 2],
        "head": whole[: start + 2],
        "empty": b"",
        "longer": whole + b"x",
        "changed": whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:],
        "newer": whole[:start] + (99).to_bytes(4, "little") + whole[start + 4 :],
        "text": b"#!/bin/sh\necho no\n",
    }
    for name, content in broken.items():
        path = tmp_path / name
        path.write_bytes(content)
        done = rig.inspector.run("--replay", path)
        assert (done.returncode, done.stdout) == (3, ""), name
        assert done.stderr.startswith(f"virtq-inspect: {path}: "), name
        assert "reads format 1" in done.stderr if name == "newer" else done.stderr.count("\n") == 1, name
    for path in (tmp_path, tmp_path / "absent", "/dev/null"):
        done = rig.inspector.run("--replay", path)
        assert (done.returncode, done.stdout) == (3, "")


def test_where_it_cannot_be_written(rig, tmp_path):
    rig.add_device("rng", "rng0")
    rig.boot()
    for path, status in ((tmp_path, 2), (tmp_path / "absent/recording", 3), ("/dev/null", 2)):
        done = rig.inspector.run("--pid", rig.vm.pid, "--record", path)
        assert done.returncode == status
        assert done.stderr.startswith("virtq-inspect: ")
    old = tmp_path / "old"
    old.write_text("something else")
    assert rig.inspector.run("--pid", rig.vm.pid, "--record", old).returncode == 0
    assert old.read_bytes().startswith(b"virtq-inspect recording\n")
    assert old.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@on("pci-split")
def test_some_of_what_was_recorded(rig, tmp_path):
    """Of a recording with back traces one queue, or one device, is shown with its own."""
    rig.add("-blockdev", SLOW)
    rig.add_device("blk", "blk0", drive="d0", num_queues=2, **GEOMETRY)
    rig.add_device("rng", "rng0")
    rig.boot()
    submit(rig, Disk(rig.drive("blk0", {0: 256, 1: 256})), 3)
    rig._expected.clear()  # of a report that is not asked for here
    recorded = Recorded(rig.inspector, rig.vm.pid, tmp_path / "recording", "--stacks", prints=("--format=json",))
    whole = Report(recorded.stdout, recorded.status)
    end(rig)
    assert len(whole.queue("blk0", 0)["requests"]) == 3
    for arguments, status in ((("-q0",), 1), (("-dblk0", "-q0"), 1), (("-dblk0",), 1), (("-q1",), 0), (("-drng0",), 0)):
        done = recorded.replay("--format=json", *arguments)
        assert (done.returncode, done.stderr) == (status, ""), arguments
        part = Report(done.stdout, status)
        assert part.json["gaps"] == []
        if status:
            assert part.queue("blk0", 0)["requests"] == whole.queue("blk0", 0)["requests"]
        stacks = {thread["tid"]: thread["stack"] for thread in whole.json["threads"]}
        for thread in part.json["threads"]:
            assert thread["stack"] in ([], stacks[thread["tid"]]), arguments
            assert not thread["stack_gap"], arguments
