"""What tests of requests that are stuck in a device have in common."""

import json
import re
import subprocess

from vqitest import qemu_folder
from vqitest.inspector import check_evidence

NOTHING_HELD = {"throttled": 0, "parked": 0, "quiesce_counter": 0, "iostatus": "ok"}


def submit(rig, disk, count=1, kind="read", sector=0, wait=None):
    """So many requests that will not be done, all of them taken; where the ring was before."""
    start = disk.ring.mark()
    for number in range(count):
        # Not side by side: virtio-blk makes one request of those.
        getattr(disk, kind)(sector + 2 * number)
    disk.ring.publish()
    disk.ring.kick()
    if wait:
        wait()
    else:
        rig.wait_taken(disk.ring)
    rig.expect(disk.ring, state="stuck", used=start)
    return start


def check_stuck(rig, count, reason, **block):
    """The one finding, and what the report says of the block device."""
    report = rig.report(status=1)
    finding = report.only_finding("request-stuck-in-device", "blk0", 0)
    plural = "" if count == 1 else "s"
    which = f"{count} request{plural}"
    # Under qtest QEMU accounts by a clock that stands still, but for what was made before it knew.
    age = r"( for 1\d\d\d ms or more|(, the oldest)? for \d+ m?s)"
    assert re.fullmatch(rf"{which} taken and not completed{age}; {reason}", finding["summary"])
    check_evidence(finding, "^the main loop (listens for its kicks|serves the queue)", r"^no index moved over 1\d\d\d ms$")
    (backend,) = report.device("blk0")["backends"]
    assert backend["kind"] == "block"
    found = backend["block"]
    for name, value in {"in_flight": count, **NOTHING_HELD, **block}.items():
        assert found[name] == value, name
    check_evidence(finding, rf"BlockBackend at {found['blk_addr']}: {found['in_flight']} in flight, quiesce_counter ")
    return report, finding, found


def node_of(block, name):
    return next(node for node in block["nodes"] if node["node_name"] == name)


def qcow2_on_blkdebug(folder):
    """A -blockdev of a node d0 whose requests can be made to wait: blkdebug, node debug, hears from qcow2 how far each is."""
    image = folder / "image"
    subprocess.run([qemu_folder() / "qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], check=True)
    debug = {"driver": "blkdebug", "node-name": "debug", "image": {"driver": "file", "filename": str(image)}}
    return json.dumps({"driver": "qcow2", "node-name": "d0", "file": debug})


def qemu_io(rig, command):
    """By the device's own BlockBackend: one more could not be closed while requests are in flight."""
    assert rig.vm.qmp.hmp(f'qemu-io -d {rig.path("blk0")} "{command}"') == ""
