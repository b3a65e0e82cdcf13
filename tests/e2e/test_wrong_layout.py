"""A profile in which anything that matters is wrong is refused, or what is wrong in it is unknown: there is no wrong number.

Each is signed anew, so that it is the process's memory that speaks against it.
"""

import copy
import json
import re

import pytest

from vqitest.guest import ROOT
from vqitest.profile import sign

DEVICES = (
    *("-blockdev", "null-co,node-name=d0,size=1048576", "-object", "iothread,id=io0"),
    *("-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0", "-device", "virtio-net-pci,id=net0"),
    *("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0"),
)
TABLE = re.findall(r"^\tF\((\w+), (\w+), (VQI_\w+)\)", (ROOT / "include/vqi/layout_table.h").read_text(), re.MULTILINE)
REQUIRED = [(structure, field) for structure, field, need in TABLE if need == "VQI_REQUIRED"]

# No pointer, no list and no size tells where these are, and no other field is where they seem to be: bytes that happen to be
# likely. Only the digest of the file protects them.
UNPROVEN = {
    "VirtIODevice.status",
    "VirtIODevice.broken",
    "VirtQueue.last_avail_idx",
    "VirtQueue.shadow_avail_idx",
    "VirtQueue.inuse",
}


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


@pytest.mark.parametrize("by", [-8, -4, -2, -1, 1, 2, 4, 8])
def test_wrong_offset(vm, inspector, profile, tmp_path, by):
    _, truth = run(vm, inspector, tmp_path, profile)
    wrong = []
    for structure, field in REQUIRED:
        changed = shifted(profile, structure, field, by)
        if changed["structs"][structure]["fields"][field]["offset"] < 0 or f"{structure}.{field}" in UNPROVEN:
            continue
        status, said = run(vm, inspector, tmp_path, sign(changed))
        if status == 3:
            assert "does not fit this QEMU" in said or "layout: " in said
            continue
        parts = ("devices", "findings", "loops", "vcpus")
        found = [difference for part in parts for difference in differences(truth[part], said[part], part)]
        if found:
            wrong.append(f"{structure}.{field} {by:+}: {'; '.join(found[:3])}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("structure", ["VirtQueue", "VirtIODevice", "DeviceState"])
def test_wrong_size(vm, inspector, profile, tmp_path, structure):
    changed = copy.deepcopy(profile)
    changed["structs"][structure]["size"] += 8
    status, error = run(vm, inspector, tmp_path, sign(changed))
    assert status == 3 and "does not fit this QEMU" in error
