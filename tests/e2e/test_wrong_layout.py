"""A profile in which anything that matters is wrong is refused, or what is wrong in it is unknown: there is no wrong number.

Each is signed anew, so that it is the process's memory that speaks against it.
"""

import copy
import json
import random
import re

import pytest

from vqitest.guest import ROOT
from vqitest.profile import sign

DEVICES = (
    *("-blockdev", "null-co,node-name=d0,size=1048576", "-object", "iothread,id=io0"),
    *("-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0", "-device", "virtio-net-pci,id=net0"),
    *("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0"),
)
TABLE = (ROOT / "include/vqi/layout_table.h").read_text()
FIELDS = [
    *re.findall(r"^\tF\((\w+), (\w+), (VQI_\w+)\)", TABLE, re.MULTILINE),
    *re.findall(r'^\tP\((\w+), \w+, "([^"]+)",\s*(?:\\\n\s*)?(VQI_\w+)\)', TABLE, re.MULTILINE),
]
REQUIRED = [(structure, field) for structure, field, need in FIELDS if need == "VQI_REQUIRED"]

# What can be left out, and matters to the diagnosis of a ring.
OF_RINGS = {"Object", "ObjectProperty", "TypeImpl", "DeviceState", "VirtIODevice", "VirtQueue", "VRing", "EventNotifier"}
OPTIONAL = [
    (structure, field) for structure, field, need in FIELDS if need == "VQI_OPTIONAL" and structure in OF_RINGS
]  # fmt: skip

# No number that QEMU describes, and none that it must have at any time: nothing tells these from other bytes that are likely.
# Near where it is, the status cannot be: other fields are there. Near the others are bytes that nothing uses.
UNPROVEN_NEARBY = {"VirtIODevice.isr", "VirtQueue.signalled_used_valid"}
UNPROVEN_ANYWHERE = {"VirtIODevice.status"}


@pytest.fixture
def vm(machines):
    """It stands still, so that two runs say the same."""
    vm = machines.start(*DEVICES, guest=True)
    vm.guest.wait_ready()
    vm.guest.check("dd if=/dev/vda of=/dev/null bs=4k count=20 iflag=direct")
    vm.qmp.execute("stop")
    return vm


@pytest.fixture
def profile(vm, inspector, tmp_path):
    path = tmp_path / "profile.json"
    inspector.text(vm.pid, "--no-cache", "--export-layout", path)
    return json.loads(path.read_text())


def run(vm, inspector, tmp_path, profile):
    """The exit status and what is said of the devices, or the error."""
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(profile))
    done = inspector.run("--pid", vm.pid, "--layout", path, "--once", "--format=json")
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def shifted(profile, structure, field, by):
    changed = copy.deepcopy(profile)
    changed["structs"][structure]["fields"][field]["offset"] += by
    return changed


def test_digest(vm, inspector, profile, tmp_path):
    """Whatever is changed by hand."""
    assert run(vm, inspector, tmp_path, profile)[0] == 0
    for structure, field in REQUIRED:
        status, error = run(vm, inspector, tmp_path, shifted(profile, structure, field, 8))
        assert status == 3 and "it was changed after it was written" in error
    changed = copy.deepcopy(profile)
    changed["structs"]["VirtQueue"]["size"] += 8
    assert run(vm, inspector, tmp_path, changed)[0] == 3
    del changed["digest"]
    assert run(vm, inspector, tmp_path, changed)[0] == 3


def differences(truth, said, at=""):
    """Where something is said that is not so; what is unknown is not said."""
    if said is None:
        return
    if isinstance(truth, dict) and isinstance(said, dict):
        for name, value in truth.items():
            yield from differences(value, said[name], f"{at}.{name}")
    elif isinstance(truth, list) and isinstance(said, list) and len(truth) == len(said):
        for value, other in zip(truth, said):
            yield from differences(value, other, at)
    elif truth != said:
        yield f"{at}: {said} instead of {truth}"


def assert_refused(said):
    """By what is in memory, or by the layout itself."""
    assert "does not fit this QEMU" in said or "layout: " in said


def name(structure, field):
    return f"{structure}.{field}"


PARTS = ("devices", "findings", "loops", "vcpus")


class Truth:
    """What is said by the right profile, as by debug information, against which others are held."""

    def __init__(self, vm, inspector, profile, tmp_path):
        self.runs = lambda changed: run(vm, inspector, tmp_path, sign(changed))
        self.profile = profile
        status, self.said = self.runs(profile)
        assert status != 3, self.said
        plain = json.loads(inspector.run("--pid", vm.pid, "--no-cache", "--once", "--format=json").stdout)
        assert [self.said[part] for part in PARTS] == [plain[part] for part in PARTS]

    def offset(self, structure, field):
        """Where it is; None in a QEMU that has no such field."""
        fields = self.profile["structs"].get(structure, {"fields": {}})["fields"]
        return fields[field]["offset"] if field in fields else None

    def hold(self, structure, field, by):
        """What is said that is not so, when a field is said to be elsewhere."""
        changed = shifted(self.profile, structure, field, by)
        if changed["structs"][structure]["fields"][field]["offset"] < 0:
            return
        status, said = self.runs(changed)
        if status == 3:
            assert_refused(said)
            return
        found = [difference for part in PARTS for difference in differences(self.said[part], said[part], part)]
        if found:
            yield f"{name(structure, field)} {by:+}: {'; '.join(found[:3])}"


@pytest.fixture
def truth(vm, inspector, profile, tmp_path):
    return Truth(vm, inspector, profile, tmp_path)


@pytest.mark.parametrize("by", [-8, -4, -2, -1, 1, 2, 4, 8])
def test_wrong_offset(truth, by):
    fields = [*REQUIRED, *(field for field in OPTIONAL if truth.offset(*field) is not None and name(*field) not in UNPROVEN_NEARBY)]
    wrong = [line for structure, field in fields for line in truth.hold(structure, field, by)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", range(4))
def test_any_offset(truth, seed):
    """As far away as the structure goes, where a field of its size can be."""
    chance, wrong = random.Random(seed), []
    for structure, field in REQUIRED:
        its, size = truth.profile["structs"][structure], truth.profile["structs"][structure]["fields"][field]["size"]
        places = range(0, its["size"] - size + 1, size if size in (2, 4, 8) else 1)
        for place in chance.sample(places, min(3, len(places))) if name(structure, field) not in UNPROVEN_ANYWHERE else ():
            wrong.extend(truth.hold(structure, field, place - truth.offset(structure, field)))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("structure", ["VirtQueue", "VirtIODevice", "DeviceState"])
def test_wrong_size(vm, inspector, profile, tmp_path, structure):
    changed = copy.deepcopy(profile)
    changed["structs"][structure]["size"] += 8
    status, error = run(vm, inspector, tmp_path, sign(changed))
    assert status == 3
    assert_refused(error)
