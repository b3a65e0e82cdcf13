"""A real QEMU under -accel qtest with virtio devices, whose drivers are in the test.

    def test_something(rig):
        disk = rig.disk()
        disk.submit(3)
        disk.ring.wait_used(3)
        rig.expect(disk.ring, state="idle")
        rig.report(status=0).assert_healthy()
"""

import functools
import re
from collections import namedtuple

import pytest
from oracle import QmpOracle, check_queue
from vqitest.driver import EVENT_IDX, PACKED, VERSION_1, Disk, Driver
from vqitest.innards import Innards
from vqitest.inspector import check_evidence
from vqitest.pci import PciHost
from vqitest.qtest import Bus
from vqitest.transport import LegacyMmio, Mmio, Pci

Kind = namedtuple("Kind", "transport packed")

KINDS = {
    "mmio-legacy": Kind("mmio-legacy", False),
    "mmio-split": Kind("mmio", False),
    "mmio-packed": Kind("mmio", True),
    "pci-split": Kind("pci", False),
    "pci-packed": Kind("pci", True),
}
SPLIT = [name for name, kind in KINDS.items() if not kind.packed]
PACKED_KINDS = [name for name, kind in KINDS.items() if kind.packed]

# A disk that answers at once, and one that does not answer for longer than any test lasts.
NULL = "null-co,node-name=d0,size=1073741824,read-zeroes=on"
SLOW = f"{NULL},latency-ns={3600 * 10**9}"
# Without these, QEMU reads the partition table of the slow disk before it starts.
GEOMETRY = {"cyls": 16383, "heads": 16, "secs": 63}


def on(*kinds):
    """Run the test on these kinds of rig."""
    return pytest.mark.parametrize("rig", kinds, indirect=True)


on_all = on(*KINDS)
on_split = on(*SPLIT)
on_packed = on(*PACKED_KINDS)


class Rig:
    FIRST_SLOT = 4

    def __init__(self, machines, get_inspector, kind):
        self.machines = machines
        self.kind = kind
        self._get_inspector = get_inspector
        self._arguments = []
        self._ids = []
        self._expected = []
        self.drivers = {}
        self.vm = None
        self.bus = None
        self.oracle = None

    @property
    def is_pci(self):
        return self.kind.transport == "pci"

    # Assembling it.

    def add(self, *arguments):
        self._arguments += arguments

    def add_device(self, model, name, **properties):
        """A virtio device: model is "blk", "net", ..."""
        if self.is_pci:
            driver = f"virtio-{model}-pci"
            place = {"addr": f"{self.FIRST_SLOT + len(self._ids):#x}"}
        else:
            driver = f"virtio-{model}-device"
            place = {"bus": f"virtio-mmio-bus.{len(self._ids)}"}
        if self.kind.packed:
            properties.setdefault("packed", "on")
        words = [driver, f"id={name}"]
        words += (f"{key.replace('_', '-')}={value}" for key, value in {**properties, **place}.items())
        self.add("-device", ",".join(words))
        self._ids.append(name)

    def boot(self, **more):
        machine = "q35"
        if not self.is_pci:
            legacy = "on" if self.kind.transport == "mmio-legacy" else "off"
            self.add("-global", f"virtio-mmio.force-legacy={legacy}")
            machine = "microvm"
        self.vm = self.machines.start(*self._arguments, machine=machine, qtest=True, **more)
        self.bus = Bus(self.vm.qtest)
        self.oracle = QmpOracle(self.vm.qmp)
        self._transports = self._find_transports()
        return self.vm

    def _find_transports(self):
        if self.is_pci:
            by_slot = {device.slot: device for device in PciHost(self.bus).virtio_devices()}
            return {name: Pci(by_slot[self.FIRST_SLOT + index]) for index, name in enumerate(self._ids)}
        kind = LegacyMmio if self.kind.transport == "mmio-legacy" else Mmio
        return {name: kind(self.bus, index) for index, name in enumerate(self._ids)}

    def drive(self, name, queues, features=0, event_idx=True, vectors=True):
        """Bring a device up. queues is {index: number of entries}; features are more than the usual ones."""
        features |= EVENT_IDX if event_idx else 0
        if self.kind.transport != "mmio-legacy":
            features |= VERSION_1
        if self.kind.packed:
            features |= PACKED
        driver = Driver(self._transports[name])
        numbers = {index: 1 + position for position, index in enumerate(queues)}
        driver.start(features, queues, numbers if self.is_pci and vectors else None)
        self.drivers[name] = driver
        for index, ring in driver.rings.items():
            ring.name = name
            ring.index = index
        return driver

    def disk(self, blockdev=NULL, num=256, event_idx=True, vectors=True, **properties):
        """A running virtio-blk device blk0 on a disk d0, the last node of blockdev: one, or a list."""
        for node in [blockdev] if isinstance(blockdev, str) else blockdev:
            self.add("-blockdev", node)
        self.add_device("blk", "blk0", drive="d0", num_queues=1, queue_size=max(num, 256), **properties)
        self.boot()
        return Disk(self.drive("blk0", {0: num}, event_idx=event_idx, vectors=vectors))

    # What is true.

    def path(self, name):
        return f"/machine/peripheral/{name}/virtio-backend" if self.is_pci else f"/machine/peripheral/{name}"

    def qmp_queue(self, ring):
        return self.oracle.queue(self.path(ring.name), ring.index)

    @functools.cached_property
    def inside(self):
        """QEMU's own memory, for faults of its own."""
        return Innards(self.vm.pid)

    def vq(self, ring):
        """QEMU's struct VirtQueue of a ring."""
        return self.inside.queue(self.path(ring.name), ring.index)

    def wait_taken(self, ring, mark=None):
        """Until the device has taken every request up to there, or all."""
        expected = ring.truth(taken=mark)["last_avail_idx"]
        self.bus.wait(lambda: self.qmp_queue(ring)["last_avail_idx"] == expected, "the device has taken the requests")

    def expect(self, ring, state, taken=None, seen=None, used=None, omit=(), **more):
        """What the next report must say of a queue. How far the device has come is given in marks of the ring.

        state is None where the interface leaves it open.
        """
        truth = {**ring.truth(taken, seen, used), "index": ring.index, **more}
        if state is not None:
            truth["state"] = state
        for name in omit:
            truth.pop(name, None)
        self._expected.append((ring, truth))

    def check_truth(self):
        """The test itself could be wrong: QEMU must agree with what it expects."""
        for ring, truth in self._expected:
            known = self.qmp_queue(ring)
            for name, value in known.items():
                if name in truth:
                    assert value == truth[name], f"{ring.name} queue {ring.index}: QEMU disagrees on {name}"

    # What the program says.

    def report(self, *arguments, status=0):
        """The report, after it was compared with what is expected and with what QMP says."""
        self.check_truth()
        report = self._get_inspector().report(self.vm.pid, *arguments, status=status)
        for ring, truth in self._expected:
            check_queue(report.queue(ring.name, ring.index), truth)
        self.oracle.check_report(report, only=arguments or None)
        self._expected.clear()
        return report

    def check_in_memory(self, finding, pattern):
        """A line of evidence with a 16-bit number and where it is, its two groups: there it is."""
        check_evidence(finding, pattern)
        value, address = next(match.groups() for line in finding["evidence"] if (match := re.search(pattern, line)))
        assert self.inside.read(int(address, 16), 2) == int(value, 0)

    def check_well(self, ring, count=None):
        """When that many more requests are done, the queue is idle and nothing is found: the tool has disturbed nothing."""
        if count:
            ring.wait_used(count)
            ring.reap()
        self.expect(ring, state="idle")
        self.report(status=0).assert_healthy()

    @property
    def inspector(self):
        return self._get_inspector()
