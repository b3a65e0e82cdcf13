"""gdb knows everything that is in a QEMU with debug information: what virtq-inspect says must be what it says."""

import json
import re
import subprocess
from pathlib import Path

from oracle import check_queue, number, plain
from vqitest.ring import u16


def ask_gdb(pid):
    """({QOM path: device}, {thread id: [AioContext]}), read by gdb (a second, during which QEMU is stopped)."""
    command = ["gdb", "-batch", "-nx", "-p", str(pid)]
    for name in ("gdb_queues.py", "gdb_loops.py"):
        command += ["-x", str(Path(__file__).with_name(name))]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    answers = []
    for mark in ("gdb", "loops"):
        match = re.search(rf"^vqitest-{mark}:(.*)$", done.stdout, re.MULTILINE)
        assert match, f"gdb: {done.stdout}\n{done.stderr}"
        answers.append(json.loads(match[1]))
    devices, loops = answers
    return {device["path"]: device for device in devices}, {int(tid): contexts for tid, contexts in loops.items()}


def gdb_devices(pid):
    return ask_gdb(pid)[0]


def check_with_gdb(report, pid):
    """Compare everything that gdb can read and QMP cannot show; the VM must stand still, or be idle."""
    devices, loops = ask_gdb(pid)
    assert set(devices) >= {device["qom_path"] for device in report.devices}
    check_loops(report, loops)
    for device in report.devices:
        expected = devices[device["qom_path"]]
        who = device["qom_path"]
        for name in ("device_id", "broken", "started"):
            assert device[name] == expected[name], (who, name)
        assert number(device["status"]) == expected["status"], who
        assert number(device["vdev_addr"]) == expected["address"], who
        assert number(device["features"]["host"]) == expected["host_features"], who
        assert number(device["features"]["guest"]) == expected["guest_features"], who
        assert device["vm_running"] == expected["vm_running"], who
        assert len(device["queues"]) == len(expected["queues"]), who
        check_transport(device, expected)
        check_back_ends(device, expected["back_ends"])
        if device["vhost"] is not None:
            continue
        for queue, facts in zip(device["queues"], expected["queues"]):
            check_queue_facts(queue, facts, f"{who} queue {queue['index']}")
            if queue["state"] != "disabled":
                check_vector(queue, facts["vector"], expected["pci"])
                check_handler(report, queue, facts, loops)


def check_loops(report, loops):
    for loop in report.json["loops"]:
        assert number(loop["context"]) == loops[loop["tid"]][0]["address"], loop["name"]


def check_transport(device, facts):
    who, interrupt, transport, pci = device["qom_path"], device["interrupt"], device["transport"], facts["pci"]
    assert interrupt["isr"] == facts["isr"], who
    assert transport["ioeventfd_started"] == facts["ioeventfd_started"], who
    assert (transport["type"] == "pci") == (pci is not None), who
    for name in ("memory", "bus_master"):
        assert transport[name] == (pci[name] if pci else None), (who, name)
    for name in ("msix_enabled", "msix_function_masked", "intx_disabled"):
        assert interrupt[name] == (pci[name] if pci else None), (who, name)


def check_vector(queue, vector, pci):
    """The bits of a queue's interrupt vector, where it has one and MSI-X is on."""
    has_vector = bool(pci) and pci["msix_enabled"] and vector < len(pci["masked"])
    for name in ("masked", "pending"):
        assert queue["msix"][name] == (pci[name][vector] if has_vector else None), f"queue {queue['index']}: {name}"


def check_back_ends(device, back_ends):
    """The block devices; of one that has nothing to do, the report does not say more than its name."""
    known = {back_end["address"]: back_end for back_end in back_ends}
    for backend in device["backends"]:
        block = backend["block"]
        if block is None:
            continue
        expected = known.pop(number(block["blk_addr"]))
        for name in ("in_flight", "quiesce_counter", "iostatus"):
            assert block[name] == expected[name], (device["qom_path"], name)


def check_handler(report, queue, facts, loops):
    """Which AioContext listens to the host notifier, and hence which thread serves the queue."""
    notifier = queue["host_notifier"]
    address = facts["host_notifier_address"]
    found = [(tid, context) for tid, contexts in loops.items() for context in contexts if address_in(context, address)]
    if notifier["fd"] is None:
        return
    if not found:
        assert (notifier["handler"], notifier["context"]) == ("none", "0x0")
        return
    ((tid, context),) = found
    assert notifier["handler"] == ("disabled" if context["disabled"] else "ready")
    assert number(notifier["context"]) == context["address"]
    assert queue["served_by"]["tid"] == tid
    loop = next(loop for loop in report.json["loops"] if loop["tid"] == tid)
    assert queue["served_by"]["thread"] == loop["name"]


def address_in(context, address):
    return context["reads"].get(str(address))


def check_queue_facts(queue, facts, who):
    names = ("num", "last_avail_idx", "shadow_avail_idx", "used_idx", "signalled_used", "signalled_used_valid")
    for name in (*names, "notification", "inuse", "vector"):
        assert queue[name] == facts[name], f"{who}: {name}"
    assert number(queue["vq_addr"]) == facts["address"], who
    assert plain(queue["vring"]) == {name: facts[name] for name in ("desc", "avail", "used")}, who
    ring = facts["ring"]
    if ring is None:
        assert queue["avail_idx"] is None and queue["used_ring_idx"] is None, who
    elif queue["ring"] == "split":
        check_queue(queue, ring)
        assert queue["unseen"] == u16(ring["avail_idx"] - facts["shadow_avail_idx"]), who
        assert queue["in_flight"] == u16(facts["last_avail_idx"] - facts["used_idx"]), who
    else:
        wrap = queue["wrap"]
        assert wrap["last_avail"] == facts["last_avail_wrap_counter"], who
        assert wrap["shadow_avail"] == facts["shadow_avail_wrap_counter"], who
        assert wrap["used"] == facts["used_wrap_counter"], who
        for side in ("driver", "device"):
            off_wrap, flags = ring[side]["off_wrap"], ring[side]["flags"]
            assert wrap[side] == {"off": off_wrap & 0x7FFF, "wrap": off_wrap >> 15, "flags": flags}, who
