"""QEMUs as Debian ships them, old and new, without debug information, in a file system of their own: each with a Linux guest.

A boot takes seconds, so that one test has all that is asked of one QEMU.
"""

import os
import time
from collections import namedtuple

import pytest
from guest_oracle import check_with_guest
from oracle import QmpOracle

from vqitest.inspector import check_evidence
from vqitest.stock import StockQemu

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root for a root folder and a mount namespace")

Stock = namedtuple("Stock", "suite arch devices")

# Each of these is at its place in some way: legacy and modern, split and packed, in an iothread and in the main loop.
BACKENDS = {
    "disk": "drive=d0,serial=disk,num-queues=1,iothread=io0",
    "other": "drive=d1,serial=other,num-queues=1",
    "net0": "netdev=user",
    "rng0": "",
    "balloon0": "",
    "scsi0": "",
}
PC = {
    "disk": "blk-pci",
    "other": "blk-pci,disable-modern=on,disable-legacy=off",
    "net0": "net-pci,packed=on",
    "rng0": "rng-pci",
    "balloon0": "balloon-pci",
    "scsi0": "scsi-pci",
}
# virtio-mmio is legacy unless told otherwise.
ARM = {
    "disk": "blk-pci",
    "other": "blk-device",
    "net0": "net-device",
    "rng0": "rng-device",
    "balloon0": "balloon-pci",
    "scsi0": "scsi-device",
}
# Its guest is big-endian. A modern ring is not, a legacy one is.
S390 = {
    "disk": "blk-ccw,max_revision=0",
    "other": "blk-ccw",
    "net0": "net-ccw,max_revision=0",
    "rng0": "rng-ccw,max_revision=0",
    "balloon0": "balloon-ccw",
    "scsi0": "scsi-ccw,devno=fe.1.0042",
}
STOCKS = {
    "5.2": Stock("bullseye", "x86_64", PC),
    "7.2": Stock("bookworm", "x86_64", PC),
    "10.0.2": Stock("bookworm-backports", "x86_64", PC),
    "10.0": Stock("trixie", "x86_64", PC),
    "newest": Stock("sid", "x86_64", PC),
    "aarch64": Stock("bookworm", "aarch64", ARM),
    "s390x": Stock("bookworm", "s390x", S390),
}


def arguments(devices):
    null = "driver=null-co,size=1073741824,read-zeroes=on"
    yield from ("-name", "stock", "-object", "iothread,id=io0", "-object", "throttle-group,id=limits")
    yield from ("-blockdev", f"node-name=n0,{null}", "-blockdev", f"node-name=d1,{null}", "-blockdev", f"node-name=d2,{null}")
    yield from ("-blockdev", "driver=throttle,node-name=d0,throttle-group=limits,file=n0")
    yield from ("-netdev", "user,id=user")
    for name, device in devices.items():
        yield from ("-device", ",".join(word for word in (f"virtio-{device}", f"id={name}", BACKENDS[name]) if word))
    yield from ("-device", "scsi-hd,drive=d2,bus=scsi0.0")


# What is unknown of every one, for the lock is not exported; and of one that is so new that there is no profile of it.
UNKNOWN = {"profile": ["bql_owner"], "builtin": ["run_state", "addresses", "disks", "loops", "vcpus", "bql_owner"]}


def check_with_qmp(vm, report, only=None):
    """Where it knows nothing of virtio, the types and the host's side are left."""
    oracle = QmpOracle(vm.qmp, asks_status=vm.suite != "sid")
    unknown = UNKNOWN[report.target["layout_source"]]
    if oracle.knows("x-query-virtio"):
        oracle.check_report(report, only, unknown)
        return
    oracle.check_host(report, unknown)
    for device in report.devices:
        kind = vm.qmp.execute("qom-get", path=device["qom_path"], property="type")
        assert kind == f"{device['type']}-device"


def has_profile(report):
    return report.target["layout_source"] == "profile"


def check_healthy(vm, inspector, *more):
    report = inspector.report(vm.pid, *more)
    report.assert_healthy()
    assert has_profile(report) or vm.suite == "sid"
    assert {device["id"] for device in report.devices} == set(BACKENDS)
    check_with_guest(report, vm.guest)
    assert not has_profile(report) or all(device["transport"]["address"] for device in report.devices)
    return report


def positions(report, name):
    queue = report.queue(name, 0)
    return {queue[field] for field in ("avail_idx", "shadow_avail_idx", "last_avail_idx", "used_idx", "used_ring_idx")}


def check_positions(vm, inspector, disks):
    """Of a known number of requests: from the rings, in the guest's memory and its byte order, and from QEMU."""
    before = check_healthy(vm, inspector)
    for disk in disks.values():
        vm.guest.check(f"dd if=/dev/{disk} of=/dev/null bs=4k count=20 iflag=direct")
    after = check_healthy(vm, inspector)
    for name in disks:
        (begin,), (end,) = positions(before, name), positions(after, name)
        assert end - begin == 20


def set_limits(vm, **limits):
    limits = {name.replace("_", "-"): value for name, value in limits.items()}
    vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value=limits)


def check_hung_disk(vm, inspector, disk):
    """A request counts as many as it has 512 bytes, and one a second may pass: the first does, and the second waits."""
    set_limits(vm, iops_total=1, iops_size=512)
    vm.guest.check(f"dd if=/dev/{disk} of=/dev/null bs=64k count=1 iflag=direct")
    started = time.monotonic()
    vm.guest.spawn(f"dd if=/dev/{disk} of=/dev/null bs=64k count=1 skip=10 iflag=direct; echo >/tmp/read")
    while not (hung := inspector.report(vm.pid, status=None)).findings:
        pass
    finding = hung.only_finding("request-stuck-in-device", "disk", 0)
    assert finding["summary"].startswith("1 request taken and not completed for ")
    if has_profile(hung):
        assert finding["summary"].endswith("; throttle group limits holds it back")
        check_evidence(finding, "^the iothread io0 listens for its kicks", r"^thread \d+, iothread io0 \(.*\): state S in ")
    # The VM cannot be stopped for this, which would let the request through; its other devices may move meanwhile.
    hung = inspector.report(vm.pid, "-d", "disk", "--stacks", status=1)
    check_with_qmp(vm, hung, only="disk")
    check_request(hung, time.monotonic() - started)


# Of a read that a throttle group holds back: functions that are exported, others have no name.
WAITS_IN = ["qemu_coroutine_switch", "qemu_co_queue_wait_impl", "throttle_group_co_io_limits_intercept", "bdrv_co_preadv_part"]
SERVE = {"main loop": {"ppoll", "qemu_poll_ns", "main_loop_wait", "qemu_main_loop"}, "iothread io0": {"ppoll", "aio_poll"}}


def functions(stack, module):
    return [frame["function"] for frame in stack if frame["module"].startswith(module) and frame["function"]]


def check_request(hung, seconds):
    """The read of check_hung_disk(), which is at most so many seconds old."""
    (request,) = hung.queue("disk", 0)["requests"]
    assert (request["source"], request["candidate"], request["kind"]) == ("qemu", False, "read")
    assert request["detail"] == {"sector": 10 * 65536 // 512, "len": 65536}
    assert sum(buffer["len"] for buffer in request["descriptors"] if buffer["device_writes"]) == 65536 + 1
    assert hung.capture["interval_ms"] <= request["age_ms"] <= 1000 * seconds
    assert request["tid"] is None
    if not has_profile(hung):
        assert (request["coroutine"], request["stack"]) == (None, [])
        assert request["stack_gap"] == "no coroutine was found; the layout of this QEMU is derived"
        return
    assert request["stack_gap"] is None
    assert not request["age_at_least"]
    assert (request["coroutine"], functions(request["stack"], "qemu-system")) == ("waiting", WAITS_IN)
    check_evidence(hung.findings[0], f"^(request|oldest): .*; waits in {WAITS_IN[2]}, called by {WAITS_IN[3]}$")
    stacks = {thread["role"]: thread["stack"] for thread in hung.json["threads"] if thread["stack"] or thread["stack_gap"]}
    # A virtual CPU may hold the big lock just then.
    assert {role for role in stacks if not role.startswith("vCPU ")} == {*SERVE}
    for role, named in SERVE.items():
        assert named <= {frame["function"] for frame in stacks[role]}, role


def check_paused(vm, inspector):
    vm.qmp.execute("stop")
    report = inspector.report(vm.pid)
    report.only_finding("vm-paused", severity="note")
    check_with_qmp(vm, report)
    vm.qmp.execute("cont")


@pytest.mark.parametrize("stock", STOCKS.values(), ids=STOCKS)
def test_stock_qemu(machines, inspector, stock):
    vm = machines.start(*arguments(stock.devices), kind=StockQemu, suite=stock.suite, arch=stock.arch, guest=True)
    vm.guest.wait_ready()
    vm.guest.check("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ping -c 2 -A 10.0.2.2")
    vm.guest.check("dd if=/dev/sda of=/dev/null bs=64k count=4 iflag=direct; dd if=/dev/hwrng of=/dev/null bs=64 count=4")
    # To ask for a serial number is a request of its own.
    disks = {name: vm.guest.disk(name) for name in ("disk", "other")}
    check_positions(vm, inspector, disks)
    check_hung_disk(vm, inspector, disks["disk"])
    # The limit's end alone wakes nobody; a drain does.
    set_limits(vm, iops_total=0, iops_size=0)
    check_paused(vm, inspector)
    vm.guest.check("while [ ! -e /tmp/read ]; do usleep 10000; done")
    check_healthy(vm, inspector, "--stop=always")
