"""A disk whose rings another process runs: inspection must not touch that, as QEMU's own query does."""

import os
import signal

import pytest

from vqitest import StorageDaemon
from vqitest.harm import do_no_harm, threads


@pytest.fixture
def daemon(tmp_path):
    socket = tmp_path / "disk.sock"
    export = f"vhost-user-blk,id=e0,node-name=n0,writable=on,addr.type=unix,addr.path={socket}"
    blockdev = "null-co,node-name=n0,size=1073741824,read-zeroes=on"
    with StorageDaemon("--blockdev", blockdev, "--export", export) as process:
        process.socket = socket
        yield process
        do_no_harm(process.pid)


@pytest.fixture
def vm(machines, daemon):
    machine = machines.start(
        *("-object", "memory-backend-memfd,id=memory,size=256M,share=on"),
        *("-chardev", f"socket,id=c0,path={daemon.socket}", "-device", "vhost-user-blk-pci,id=vu0,chardev=c0,num-queues=1"),
        *("-device", "virtio-rng-pci,id=rng0"),
        machine="q35,memory-backend=memory",
        guest=True,
    )
    machine.guest.wait_ready()
    return machine


def read_disk(vm):
    vm.guest.check("dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct")


def check_device(report, daemon):
    device = report.device("vu0")
    assert device["vhost"]["type"] == "user"
    assert device["vhost"]["started"] is True
    assert device["vhost"]["backend_pid"] in (None, daemon.pid)
    queue = device["queues"][0]
    # QEMU's own numbers stand still since the back end took over; the ring in guest memory does not.
    for name in ("last_avail_idx", "shadow_avail_idx", "used_idx", "inuse"):
        assert queue[name] is None, name
    assert report.device("rng0")["vhost"] is None
    return queue


def test_idle(vm, daemon, inspector):
    read_disk(vm)
    report = inspector.report(vm.pid)
    report.assert_healthy()
    queue = check_device(report, daemon)
    assert queue["avail_idx"] == queue["used_ring_idx"] >= 16
    assert queue["state"] == "idle"
    # After QMP's x-query-virtio-queue-status this would hang.
    for options in ([], ["--once"], ["--stop=always"]):
        inspector.report(vm.pid, *options)
        read_disk(vm)


def test_under_load(vm, daemon, inspector):
    vm.guest.spawn("while :; do dd if=/dev/vda of=/dev/null bs=64k count=64 iflag=direct; done")
    for _ in range(10):
        report = inspector.report(vm.pid, "--interval", "0.1", status=None)
        assert report.findings == []
        check_device(report, daemon)
    read_disk(vm)


def test_back_end_stands_still(vm, daemon, inspector):
    """Work is outstanding and does not move: what cannot be judged must not pass for healthy."""
    read_disk(vm)
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        while not all(status["State"].startswith("T") for status in threads(daemon.pid).values()):
            pass
        vm.guest.spawn("dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct")
        vm.guest.check("until read r w </sys/block/vda/inflight && [ $r -eq 1 ]; do usleep 10000; done")
        for options in ([], ["--requests"]):
            report = inspector.report(vm.pid, *options, status=None)
            assert report.json["exit_status"] in (1, 4)
            assert any(found["device"] == "vu0" for found in [*report.findings, *report.json["gaps"]])
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    vm.guest.check("until read r w </sys/block/vda/inflight && [ $r -eq 0 ]; do usleep 10000; done")
    inspector.report(vm.pid).assert_healthy()
