"""Requests of a Linux guest that are in flight in devices which are no disks. Whoever should take the data does not."""

import socket

import pytest

from vqitest.inspector import check_evidence

SECRET = "pass-0123-phrase"
PEER = "10.0.9.2"
PATTERN = 0xA7
# Of virtio, and what follows it: Ethernet, IP and ICMP.
HEADER, PACKET = 12, 14 + 20 + 8 + 1400


@pytest.fixture
def stalled(tmp_path):
    """Sockets for QEMU to connect to, which nobody reads from, by their names."""
    listening = {}
    for name in ("port", "net"):
        listening[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening[name].bind(str(tmp_path / name))
        listening[name].listen()
    yield {name: tmp_path / name for name in listening}
    for listener in listening.values():
        listener.close()


@pytest.fixture
def vm(machines, stalled):
    machine = machines.start(
        *("-chardev", f"socket,id=c0,path={stalled['port']}", "-device", "virtio-serial-pci,id=serial0"),
        *("-device", "virtserialport,chardev=c0,bus=serial0.0,name=stalls"),
        *("-netdev", f"stream,id=n0,server=off,addr.type=unix,addr.path={stalled['net']}"),
        *("-device", "virtio-net-pci,id=net0,netdev=n0", "-device", "virtio-balloon-pci,id=balloon0"),
        *("-object", "rng-builtin,id=r0", "-device", "virtio-rng-pci,id=rng0,rng=r0"),
        guest=True,
    )
    machine.guest.wait_ready()
    machine.guest.check(f"yes {SECRET} | dd of=/tmp/secret bs=1000 count=1000 iflag=fullblock")
    return machine


def in_flight(report, name, queue):
    """The requests on a queue, each of them whole."""
    requests = report.queue(name, queue)["requests"]
    assert len(requests) == report.queue(name, queue)["in_flight"]
    for request in requests:
        assert (request["candidate"], request["coroutine"], request["dump"]) == (False, None, None)
        assert request["age_at_least"] and request["age_ms"] >= 0
        assert request["descriptors"] and all(int(buffer["hva"], 16) for buffer in request["descriptors"])
    return requests


def check_hidden(inspector, vm, name, queue, offset):
    """What the guest sends is not shown, but to those who ask for it."""
    for options in (("--requests", "-v"), ("--requests", "-v", "--format=json"), ("--stacks=all", "-v")):
        done = inspector.run("--pid", vm.pid, *options)
        assert "send" in done.stdout and done.returncode in (0, 1)
        assert SECRET not in done.stdout and SECRET.encode().hex() not in done.stdout.replace(" ", "")
    report = inspector.report(vm.pid, f"--dump-bytes={offset + 64}", status=None)
    (request,) = report.queue(name, queue)["requests"]
    dump = bytes.fromhex(request["dump"])
    assert len(dump) == offset + 64 and SECRET.encode() in dump[offset:]


def wait_held(vm, inspector, name, queue):
    """Until a device has taken something that it does not complete."""
    while not inspector.report(vm.pid, "--requests", "--once", status=None).queue(name, queue)["requests"]:
        pass


def test_port_whose_reader_stalls(vm, inspector):
    vm.guest.spawn("cat /tmp/secret >$(ls /dev/vport*)")
    wait_held(vm, inspector, "serial0", 5)
    report = inspector.report(vm.pid, "--requests", status=None)
    (request,) = in_flight(report, "serial0", 5)
    assert (request["kind"], request["source"]) == ("send", "qemu")
    assert request["detail"] == {"len": sum(buffer["len"] for buffer in request["descriptors"]), "port": 1}
    assert not any(buffer["device_writes"] for buffer in request["descriptors"])
    (finding,) = report.findings
    assert (finding["id"], finding["device"], finding["queue"]) == ("request-stuck-in-device", "serial0", 5)
    check_evidence(finding, rf"^(request|one of them): send .*, port 1, head {request['head']}, for ")
    check_hidden(inspector, vm, "serial0", 5, 0)
    check_idle(report)


def check_idle(report):
    """What waits in the balloon is for the day that the host asks for it. Who has taken nothing has nothing."""
    (request,) = in_flight(report, "balloon0", 2)
    assert request["kind"] == "stats"
    assert request["detail"] == {"count": sum(buffer["len"] for buffer in request["descriptors"]) // 10}
    others = [
        queue["requests"]
        for device in report.devices
        for queue in device["queues"]
        if (device["id"], queue["index"]) not in (("balloon0", 2), ("serial0", 5), ("net0", 1))
    ]
    assert not any(others)


def test_net_whose_peer_stalls(vm, inspector):
    vm.guest.check(f"ip addr add 10.0.9.1/24 dev eth0; ip link set eth0 up; arp -s {PEER} 52:54:00:00:00:09")
    vm.guest.spawn(f"ping -i 0.001 -s 1400 -p {PATTERN:x} {PEER}")
    wait_held(vm, inspector, "net0", 1)
    report = inspector.report(vm.pid, "--requests", status=None)
    (request,) = in_flight(report, "net0", 1)
    assert (request["kind"], request["source"]) == ("send", "qemu")
    assert request["detail"] == {"len": PACKET, "flags": 0, "gso_type": "none", "header_len": 0, "gso_size": 0}
    assert sum(buffer["len"] for buffer in request["descriptors"]) == HEADER + PACKET
    dump = inspector.report(vm.pid, "--dump-bytes=4096", status=None).queue("net0", 1)["requests"][0]["dump"]
    header, packet = bytes.fromhex(dump)[:HEADER], bytes.fromhex(dump)[HEADER:]
    assert not any(header[:10]) and packet.endswith(bytes([PATTERN]) * 1000)
    done = inspector.run("--pid", vm.pid, "--requests", "-v", "--format=json")
    assert f"{PATTERN:x}" * 16 not in done.stdout
    check_idle(report)
