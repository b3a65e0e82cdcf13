"""Layout profiles: exported from a QEMU with debug information, used for one without; and refused where they do not fit."""

import json
import re

import jsonschema
import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import QmpOracle
from rig import GEOMETRY, SLOW, on

from vqitest.guest import ROOT
from vqitest.harm import do_no_harm

SCHEMA = json.loads((ROOT / "data/virtq-inspect-layout.schema.json").read_text())
DEVICES = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0")


@pytest.fixture
def profile(machines, inspector, tmp_path):
    path = tmp_path / "profile.json"
    vm = machines.start(*DEVICES, qtest=True)
    assert inspector.text(vm.pid, "--no-cache", "--export-layout", path) == ""
    do_no_harm(vm.pid)
    return path


def test_export(machines, inspector, profile):
    layout = json.loads(profile.read_text())
    jsonschema.validate(layout, SCHEMA)
    assert layout["source"] == "dwarf"
    assert layout["structs"]["VirtQueue"]["fields"]["last_avail_idx"] == {"offset": 56, "size": 2}
    vm = machines.start(*DEVICES, qtest=True)
    assert json.loads(inspector.text(vm.pid, "--no-cache", "--export-layout=-")) == layout
    assert [path.name for path in profile.parent.iterdir()] == [profile.name], "it leaves nothing behind"
    again = profile.with_name("again.json")
    inspector.text(vm.pid, "--layout", profile, "--export-layout", again)
    assert json.loads(again.read_text()) == {**layout, "source": "profile"}


def test_cannot_be_written(machines, inspector, tmp_path):
    vm = machines.start(*DEVICES, qtest=True)
    inspector.fails("--pid", vm.pid, "--export-layout", tmp_path / "no" / "such", status=3)


def normal(report):
    """What must not depend on where the layout is from: all but times and counts of the host."""
    devices = re.sub(r'(?<="age_ms": )\d+|\d+(?= ms\b)', "0", json.dumps(report.devices))
    return json.loads(devices), [loop["name"] for loop in report.json["loops"]], report.target["run_state"]


@on("pci-split", "mmio-packed")
def test_same_as_debug_information(rig, profile):
    """A disk that hangs: every field, and the finding."""
    disk = rig.disk(SLOW, **GEOMETRY)
    disk.submit(3, "write")
    rig.wait_taken(disk.ring)
    ways = (["--no-cache"], ["--layout", profile])
    reports = [rig.inspector.report(rig.vm.pid, *more, status=1) for more in ways]
    assert [report.target["layout_source"] for report in reports] == ["dwarf", "profile"]
    assert [finding["summary"].split(";")[1] for report in reports for finding in report.findings] == [
        " they are in the block layer, node d0"
    ] * 2
    for report in reports:
        for queue in (queue for device in report.devices for queue in device["queues"]):
            queue.pop("findings")
    assert normal(reports[0]) == normal(reports[1])


def test_stripped_qemu(machines, inspector, profile, tmp_path):
    """Of the same build: the profile has what the program lacks."""
    stripped = odd_qemus.strip(tmp_path / "qemu-system-x86_64")
    vm = machines.start(*DEVICES, kind=OddQemu, executable=stripped, qtest=True)
    report = inspector.report(vm.pid, "--layout", profile)
    report.assert_healthy()
    assert report.target["layout_source"] == "profile"
    QmpOracle(vm.qmp).check_report(report)


@pytest.mark.parametrize("path", ["/no/such/file", "/dev/null", "/proc/self/exe", "/"])
def test_no_profile(machines, inspector, path):
    vm = machines.start(*DEVICES, qtest=True)
    inspector.fails("--pid", vm.pid, "--layout", path, status=3)
