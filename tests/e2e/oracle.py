"""QMP and procfs know what is in a QEMU, too: what virtq-inspect says must be what they say. gdb_oracle.py knows the rest.

Of QMP, x-query-virtio-queue-element is left out: it changes shadow_avail_idx. x-query-virtio-queue-status is not asked
about a queue that vhost runs: it stops the ring of a vhost-user device.
"""

import contextlib
import functools
import re
from pathlib import Path

QUEUE_FIELDS = {
    "queue-index": "index",
    "vring-num": "num",
    "inuse": "inuse",
    "used-idx": "used_idx",
    "signalled-used": "signalled_used",
    "signalled-used-valid": "signalled_used_valid",
    "shadow-avail-idx": "shadow_avail_idx",
    "last-avail-idx": "last_avail_idx",
}
VRING_FIELDS = {"vring-desc": "desc", "vring-avail": "avail", "vring-used": "used"}
TRANSPORT_HEADERS = ("virtio_ring", "virtio_config")


class QmpOracle:
    def __init__(self, qmp, asks_status=True):
        """Some QEMU dies of an assertion when it is asked for the status of a device: 11.1.3."""
        self.qmp = qmp
        self.asks_status = asks_status

    def paths(self):
        """{QOM path: type}"""
        return {device["path"]: device["name"] for device in self.qmp.execute("x-query-virtio")}

    def queue(self, path, index):
        """A queue in the words of our JSON."""
        status = self.qmp.execute("x-query-virtio-queue-status", path=path, queue=index)
        found = {ours: status[theirs] for theirs, ours in QUEUE_FIELDS.items()}
        found["vring"] = {ours: status[theirs] for theirs, ours in VRING_FIELDS.items()}
        return found

    def check_report(self, report, only=None, unknown=()):
        """Compare every field of every device and queue that both know; the VM must stand still, or be idle.

        What is unknown, of "run_state", "addresses", "loops", "vcpus" and "bql_owner", must not be there at all. With
        "disks" as well, what is said of these must be right, if anything is.
        """
        if only is None:
            assert {device["qom_path"]: device["type"] for device in report.devices} == self.paths()
        for device in report.devices:
            if self.asks_status:
                status = self.qmp.execute("x-query-virtio-status", path=device["qom_path"])
                check_device(device, status)
                if status["vhost-started"]:
                    continue
            assert device["vhost"] is None
            for queue in device["queues"]:
                check_queue(queue, self.queue(device["qom_path"], queue["index"]))
        self.check_host(report, unknown)

    def check_host(self, report, unknown=()):
        """What QMP knows of a QEMU without x-query-virtio, before 7.2."""
        self.check_vm(report, unknown)
        if "addresses" in unknown:
            assert not any(device["transport"]["address"] for device in report.devices)
        else:
            self.check_addresses(report)
        self.check_disks(report, "disks" in unknown)
        self.check_threads(report, unknown)

    def knows(self, command):
        return command in {known["name"] for known in self.qmp.execute("query-commands")}

    def check_vm(self, report, unknown):
        target = report.target
        version = self.qmp.execute("query-version")
        number = version["qemu"]
        assert target["qemu_version"].startswith(f"{number['major']}.{number['minor']}.{number['micro']}")
        run_state = None if "run_state" in unknown else self.qmp.execute("query-status")["status"]
        assert target["run_state"] == run_state
        assert target["vm_name"] == self.qmp.execute("query-name").get("name")
        assert target["arch"] == self.qmp.execute("query-target")["arch"]

    def check_addresses(self, report):
        """PCI addresses, for devices that have an id."""
        if not self.knows("query-pci"):
            return
        try:
            buses = self.qmp.execute("query-pci")
        except Exception:  # a machine without PCI
            return
        expected = {
            device["qdev_id"]: f"0000:{device['bus']:02x}:{device['slot']:02x}.{device['function']}"
            for bus in buses
            for device in _devices_below(bus)
            if device["qdev_id"]
        }
        for device in report.devices:
            if device["transport"]["type"] == "pci" and device["id"] in expected:
                assert device["transport"]["address"] == expected[device["id"]]

    def check_disks(self, report, may_be_unknown):
        by_path = {block["qdev"]: block for block in self.qmp.execute("query-block") if block.get("qdev")}
        for device in report.devices:
            block = by_path.get(device["qom_path"])
            if block is None:
                continue
            inserted = block["inserted"]
            expected = ("block", block["device"] or None, inserted["node-name"], inserted["drv"])
            names = ("kind", "name", "node_name", "driver")
            found = {tuple(backend[name] for name in names): backend for backend in device["backends"]}
            if may_be_unknown:
                for values in found:
                    assert all(value in (None, truth) for value, truth in zip(values, expected))
                continue
            assert expected in found
            if found[expected]["block"] and "io-status" in block:
                assert found[expected]["block"]["iostatus"] == block["io-status"]

    def check_threads(self, report, unknown):
        """Which threads there are, for QMP; what they are called, for the kernel."""
        loops, vcpus = {}, {}
        here = _tids_here(report.target["pid"])
        if "loops" not in unknown:
            iothreads = self.qmp.execute("query-iothreads")
            loops = {f"iothread {iothread['id']}": here[iothread["thread-id"]] for iothread in iothreads}
            loops["main loop"] = report.target["pid"]
        assert {loop["name"]: loop["tid"] for loop in report.json["loops"]} == loops
        if "vcpus" not in unknown:
            vcpus = {vcpu["cpu-index"]: here[vcpu["thread-id"]] for vcpu in self.qmp.execute("query-cpus-fast")}
        assert {vcpu["index"]: vcpu["tid"] for vcpu in report.json["vcpus"]} == vcpus
        roles = {tid: name for name, tid in loops.items()}
        roles.update((tid, f"vCPU {index}") for index, tid in vcpus.items())
        assert set(loops.values()) <= {thread["tid"] for thread in report.json["threads"]}
        for thread in report.json["threads"]:
            assert thread["role"] == roles.get(thread["tid"])
            comm = Path(f"/proc/{report.target['pid']}/task/{thread['tid']}/comm")
            # A worker that has nothing to do ends.
            assert not comm.exists() or thread["name"] == as_in_status(comm.read_text()[:-1])
        owners = {None} if "bql_owner" in unknown else {0, *loops.values(), *vcpus.values()}
        assert report.target["bql_owner"] in owners


def _devices_below(bus):
    for device in bus["devices"]:
        yield device
        if "pci_bridge" in device:
            yield from _devices_below({"devices": device["pci_bridge"].get("devices", [])})


def check_device(device, status):
    who = device["qom_path"]
    assert device["type"] == status["name"], who
    assert device["device_id"] == status["device-id"], who
    assert device["broken"] == status["broken"], who
    # QMP has the guest's byte order, which a modern device does not care for.
    modern = number(device["features"]["guest"]) >> OTHER_BITS["VIRTIO_F_VERSION_1"] & 1
    assert device["endian"] == ("little" if modern else status["device-endian"]), who
    assert len(device["queues"]) == status["num-vqs"], who
    assert set(device["status_flags"]) == {_status_name(text) for text in status["status"]["statuses"]}, who
    assert (device["vhost"] is not None) == status["vhost-started"], who
    for side in ("host", "guest"):
        bits = number(device["features"][side])
        known, unknown = _feature_bits(device["type"], status[f"{side}-features"])
        assert bits & unknown == unknown and bits & known == known, f"{who}: features {bits:#x}"
        assert bits & ~(known | unknown) == 0, f"{who}: features {bits:#x}"


def check_queue(queue, expected):
    for name, value in expected.items():
        assert plain(queue[name]) == value, f"queue {queue['index']}: {name}"


def number(value):
    return int(value, 16) if isinstance(value, str) else value


def plain(value):
    """Addresses are strings in JSON."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return int(value, 16) if isinstance(value, str) and value.startswith("0x") else value


def _status_name(text):
    """As the specification has it."""
    name = text.split(":")[0].replace("VIRTIO_CONFIG_S_", "")
    return "DEVICE_NEEDS_RESET" if name == "NEEDS_RESET" else name


def _feature_bits(kind, features):
    """QMP names them; the kernel's headers say which bits these are. (bits that have a name, bits that have none)"""
    known = 0
    for text in [*features["transports"], *features.get("dev-features", [])]:
        name = text.split(":")[0]
        known |= 1 << _bits(kind)[name]
    return known, features.get("unknown-dev-features", 0)


# Names that QEMU has and the headers have not, or in other words.
OTHER_BITS = {
    "VIRTIO_F_NOTIFY_ON_EMPTY": 24,
    "VIRTIO_F_ANY_LAYOUT": 27,
    "VIRTIO_F_VERSION_1": 32,
    "VIRTIO_F_BAD_FEATURE": 30,
    "VIRTIO_F_IOMMU_PLATFORM": 33,
    "VHOST_USER_F_PROTOCOL_FEATURES": 30,
    "VHOST_F_LOG_ALL": 26,
    "VIRTIO_NET_F_GSO": 6,
    "VIRTIO_NET_F_HASH_REPORT": 57,
    "VIRTIO_NET_F_GUEST_HDRLEN": 59,
    "VHOST_NET_F_VIRTIO_NET_HDR": 27,
}


@functools.lru_cache(maxsize=None)
def _bits(kind):
    bits = dict(OTHER_BITS)
    for header in (*TRANSPORT_HEADERS, kind.replace("-", "_").replace("serial", "console")):
        path = Path(f"/usr/include/linux/{header}.h")
        if path.exists():
            for name, bit in re.findall(r"#define\s+(VIRTIO_\w+)\s+(\d+)\b", path.read_text()):
                bits.setdefault(name, int(bit))
    return bits


def _tids_here(pid):
    """{id in the process's own pid namespace, where QMP is: id here}"""
    found = {}
    for path in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a worker that has ended
            ids = re.search(r"^NSpid:\s*(.*)$", path.read_text(), re.MULTILINE)[1].split()
            found[int(ids[-1])] = int(ids[0])
    return found


def as_in_status(comm):
    """A thread's name as /proc/PID/task/TID/status writes it. Source: fs/proc/array.c proc_task_name()."""
    return comm.replace("\\", "\\\\").replace("\n", "\\n")


def healthy_source(inspector, machine, *arguments):
    """The source of the layout, as a run on a machine with the devices balloon0 and rng0 says, after a check that all is well."""
    report = inspector.report(machine.pid, *arguments)
    report.assert_healthy()
    assert {device["id"] for device in report.devices} == {"balloon0", "rng0"}
    unknown = ["bql_owner"] if report.target["bql_owner"] is None else []
    QmpOracle(machine.qmp).check_report(report, unknown=unknown)
    return report.target["layout_source"]


def check_settled(oracle, take, **more):
    """A report that is equal to what QMP says. What moves by itself, a guest's random numbers say, may have moved between
    the two: so there are a few tries."""
    for tries_left in range(9, -1, -1):
        report = take()
        try:
            oracle.check_report(report, **more)
            return report
        except AssertionError:
            if not tries_left:
                raise
