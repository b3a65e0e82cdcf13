"""A QEMU of which there is no profile: what the rings need is found out from the process and from profiles of others.

The program under test is one that lacks the profile of the distribution's QEMU, which is stripped.
"""

import json
import re

import jsonschema
import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import QmpOracle, check_settled
from rig import NULL

from vqitest.guest import ROOT

UNKNOWN = ("run_state", "addresses", "loops", "vcpus", "bql_owner", "disks")
SCHEMA = json.loads((ROOT / "data/virtq-inspect-layout.schema.json").read_text())
TRUTH = ROOT / "data/layouts/qemu-7.2.22.json"


@pytest.fixture
def vm(machines):
    disk = ("-object", "throttle-group,id=limits", "-blockdev", f"{NULL.replace('d0', 'disk')}")
    disk += ("-blockdev", "throttle,node-name=d0,throttle-group=limits,file=disk")
    disk += ("-object", "iothread,id=io0", "-device", "virtio-blk-pci,id=blk0,drive=d0,iothread=io0,num-queues=1")
    more = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0", "-device", "virtio-scsi-pci,id=scsi0")
    vm = machines.start(*disk, *more, kind=OddQemu, executable=odd_qemus.STOCK, guest=True)
    vm.guest.wait_ready()
    return vm


def check(vm, few, status):
    report = check_settled(QmpOracle(vm.qmp), lambda: few.report(vm.pid, status=status), unknown=UNKNOWN)
    assert report.target["layout_source"] == "builtin"


def test_healthy_and_hung(vm, few):
    report = few.report(vm.pid)
    report.assert_healthy()
    check(vm, few, 0)
    vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value={"iops-total": 1, "iops-size": 512})
    vm.guest.spawn("dd if=/dev/vda of=/dev/null bs=4M iflag=direct")
    while not (hung := few.report(vm.pid, status=None)).findings:
        pass
    finding = hung.only_finding("request-stuck-in-device", "blk0", 0)
    assert re.match(r"\d+ requests? taken and not completed", finding["summary"])
    check(vm, few, None)
    vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value={"iops-total": 0, "iops-size": 0})


def test_text(vm, few):
    """It says that it does not know all."""
    assert "\nthe layout of this QEMU is derived: what is not of its rings may be unknown" in few.text(vm.pid)


def test_paused(vm, few):
    """What the devices say of it is enough."""
    vm.qmp.execute("stop")
    few.report(vm.pid).only_finding("vm-paused", severity="note")


def test_layout(vm, few):
    """Nothing of it is wrong; what is unknown is not in it."""
    derived = json.loads(few.text(vm.pid, "--export-layout=-"))
    truth = json.loads(TRUTH.read_text())
    jsonschema.validate(derived, SCHEMA)
    assert derived["source"] == "builtin"
    fields = {name: structure["fields"] for name, structure in derived["structs"].items()}
    how = {f"{name}.{path}": field.pop("how") for name, its in fields.items() for path, field in its.items()}
    assert {how[f"VirtIODevice.{path}"] for path in ("vq", "vmstate")} == {how["VirtQueue.vdev"]} == {"measured"}
    assert how["VirtQueue.queue_index"] == how["Object.class"] == "agreed"
    assert derived["structs"]["VirtIODevice"]["how"] == derived["structs"]["VirtQueue"]["how"] == "measured"
    assert derived["structs"]["Object"]["how"] == "agreed" and derived["structs"]["AioContext"]["how"] == "least"
    assert "AioContext.aio_handlers" in derived["unknown"] and not how.keys() & set(derived["unknown"])
    assert fields["VirtIODevice"] == truth["structs"]["VirtIODevice"]["fields"]
    assert fields["VirtQueue"] == truth["structs"]["VirtQueue"]["fields"]
    for name, its in fields.items():
        assert its.items() <= truth["structs"][name]["fields"].items(), name
    assert "aio_handlers" not in fields["AioContext"]


def test_no_device(machines, few):
    """There is nothing to look at then."""
    vm = machines.start("-S", kind=OddQemu, executable=odd_qemus.STOCK)
    stderr = few.fails("--pid", vm.pid, status=3)
    assert "none can be derived: there is no virtio device to look at" in stderr
