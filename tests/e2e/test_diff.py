"""What differs between cores of one QEMU, and between two of its queues."""

import json

import jsonschema
import pytest
from rig import GEOMETRY, SLOW, on
from stuck_requests import submit
from test_core import gcore

from vqitest.driver import Disk
from vqitest.guest import ROOT

SCHEMA = json.loads((ROOT / "data/virtq-inspect-diff.schema.json").read_text())


@pytest.fixture
def folder(tmp_path):
    """For cores, which are large."""
    yield tmp_path
    for path in tmp_path.glob("core*"):
        path.unlink()


def core_of(rig, folder, name):
    return gcore(rig.vm.pid, folder).rename(folder / f"core-{name}")


def diff(rig, old, new, *arguments):
    done = rig.inspector.run("--diff", old, new, "--format=json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def changes(document, name):
    (part,) = [part for part in document["parts"] if name in (part["old"], part["new"])]
    return {change["field"]: (change["old"], change["new"], change["difference"]) for change in part["changes"]}


@on("pci-split")
def test_two_cores(rig, folder):
    """Five requests were submitted between them, and nobody answered."""
    disk = rig.disk(SLOW, **GEOMETRY)
    before = core_of(rig, folder, "a")
    submit(rig, disk, 5)
    rig._expected.clear()  # of a report that is not asked for here
    after = core_of(rig, folder, "b")
    document = diff(rig, before, after, "--requests")
    found = changes(document, "blk0 queue 0")
    for name in ("avail_idx", "last_avail_idx", "shadow_avail_idx"):
        old, new, difference = found[name]
        assert (new - old, difference) == (5, 5), name
    assert "used_idx" not in found and "used_ring_idx" not in found
    assert found["inuse"] == (0, 5, None)
    old, new, _ = found["requests"]
    assert old == [] and len(set(new)) == 5
    assert (document["old"]["name"], document["new"]["name"]) == (str(before), str(after))
    text = rig.inspector.run("--diff", before, after).stdout
    assert "\nblk0 queue 0\n" in text and "(+5)" in text
    assert diff(rig, before, before)["parts"] == []


@on("pci-split")
def test_two_queues(rig, folder):
    """A queue that is stuck, and one that is healthy, of one core."""
    rig.add("-blockdev", SLOW)
    rig.add_device("blk", "blk0", drive="d0", num_queues=2, **GEOMETRY)
    rig.boot()
    driver = rig.drive("blk0", {0: 256, 1: 256})
    submit(rig, Disk(driver), 3)
    rig._expected.clear()
    core = core_of(rig, folder, "a")
    document = diff(rig, f"{core}:blk0:0", f"{core}:blk0:1")
    assert document["compared"] == 1
    found = changes(document, "blk0 queue 1")
    assert found["inuse"] == (3, 0, None)
    assert "role" not in found and "num" not in found
    stderr = rig.inspector.fails("--diff", f"{core}:blk0:0", core, status=2)
    assert "of both or of none" in stderr
    assert "blk9" in rig.inspector.fails("--diff", f"{core}:blk9", core, status=2)
    assert "no file" in rig.inspector.fails("--diff", core, "/nowhere/core:blk0", status=2)


def record(rig, path, status=0):
    done = rig.inspector.run("--pid", rig.vm.pid, "--quiet", "--requests", "--record", path)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    return path


@on("pci-split")
def test_two_recordings(rig, tmp_path):
    """Before and after the disk hung; a core of the same QEMU can be one of them."""
    disk = rig.disk(SLOW, **GEOMETRY)
    before = record(rig, tmp_path / "before")
    submit(rig, disk, 5)
    rig._expected.clear()  # of a report that is not asked for here
    after = record(rig, tmp_path / "after", status=1)
    document = diff(rig, before, after)
    found = changes(document, "blk0 queue 0")
    old, new, difference = found["avail_idx"]
    assert (new - old, difference) == (5, 5)
    assert found["state"] == ("idle", "stuck", None)
    assert found["requests"][0] == [] and len(found["requests"][1]) == 5
    assert [finding["id"] for finding in document["findings_come"]] == ["request-stuck-in-device"]
    assert diff(rig, after, after)["parts"] == []
    core = core_of(rig, tmp_path, "a")
    found = changes(diff(rig, f"{before}:blk0:0", f"{core}:blk0:0"), "blk0 queue 0")
    assert found["inuse"] == (0, 5, None)
    # Nothing has changed since; a core knows nothing of the kernel, and one look not what stands still.
    document = diff(rig, f"{after}:blk0:0", f"{core}:blk0:0", "--requests")
    whole = rig.inspector.run("--diff", after, core).stdout
    verbose = rig.inspector.run("--diff", f"{after}:blk0:0", f"{core}:blk0:0", "-v").stdout
    core.unlink()
    assert (document["findings_gone"], document["parts"]) == ([], [])
    assert "gone, or by one look not known: request-stuck-in-device" in verbose
    assert "state: stuck or busy, by one look not known" in verbose
    assert "no differences" in whole


@on("pci-split")
def test_two_queues_of_a_recording(rig, tmp_path):
    rig.add("-blockdev", SLOW)
    rig.add_device("blk", "blk0", drive="d0", num_queues=2, **GEOMETRY)
    rig.boot()
    submit(rig, Disk(rig.drive("blk0", {0: 256, 1: 256})), 3)
    rig._expected.clear()
    kept = record(rig, tmp_path / "kept", status=1)
    document = diff(rig, f"{kept}:blk0:0", f"{kept}:blk0:1")
    assert document["compared"] == 1
    found = changes(document, "blk0 queue 1")
    assert found["inuse"] == (3, 0, None)
    assert found["state"] == ("stuck", "idle", None)
