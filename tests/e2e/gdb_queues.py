"""Runs inside gdb: prints every virtio device and queue of a QEMU with debug information, as JSON on one line.

gdb is slow and stops QEMU, but it is the one other program that reads the very fields.
"""

import json
import re

import gdb

COMPLETE = "vqitest-gdb:"


def flag(value):
    return int(value)


def ring_word(cache, index):
    """A 16-bit word of a ring in guest memory; nothing where it is not directly mapped."""
    pointer = cache["ptr"]
    if int(pointer) == 0:
        return None
    return int(pointer.cast(gdb.lookup_type("uint16_t").pointer())[index])


def notifier(value):
    return {"rfd": int(value["rfd"]), "wfd": int(value["wfd"])}


def split_ring(queue, caches):
    num = int(queue["vring"]["num"])
    has_event = int(caches["avail"]["len"]) >= 6 + 2 * num
    return {
        "avail_flags": ring_word(caches["avail"], 0),
        "avail_idx": ring_word(caches["avail"], 1),
        "used_event": ring_word(caches["avail"], 2 + num) if has_event else None,
        "used_flags": ring_word(caches["used"], 0),
        "used_ring_idx": ring_word(caches["used"], 1),
        "avail_event": ring_word(caches["used"], 2 + 4 * num) if has_event else None,
    }


def packed_ring(caches):
    return {
        name: {"off_wrap": ring_word(caches[part], 0), "flags": ring_word(caches[part], 1)}
        for name, part in (("driver", "avail"), ("device", "used"))
    }


def describe_queue(queue, is_packed):
    caches = queue["vring"]["caches"]
    ring = None
    if int(caches):
        ring = packed_ring(caches) if is_packed else split_ring(queue, caches)
    return {
        "address": int(queue.address),
        "num": int(queue["vring"]["num"]),
        "desc": int(queue["vring"]["desc"]),
        "avail": int(queue["vring"]["avail"]),
        "used": int(queue["vring"]["used"]),
        "last_avail_idx": int(queue["last_avail_idx"]),
        "last_avail_wrap_counter": flag(queue["last_avail_wrap_counter"]),
        "shadow_avail_idx": int(queue["shadow_avail_idx"]),
        "shadow_avail_wrap_counter": flag(queue["shadow_avail_wrap_counter"]),
        "used_idx": int(queue["used_idx"]),
        "used_wrap_counter": flag(queue["used_wrap_counter"]),
        "signalled_used": int(queue["signalled_used"]),
        "signalled_used_valid": flag(queue["signalled_used_valid"]),
        "notification": flag(queue["notification"]),
        "inuse": int(queue["inuse"]),
        "vector": int(queue["vector"]),
        "host_notifier_address": int(queue["host_notifier"].address),
        "host_notifier": notifier(queue["host_notifier"]),
        "guest_notifier": notifier(queue["guest_notifier"]),
        "ring": ring,
    }


def cast(value, kind):
    return value.cast(gdb.lookup_type(kind).pointer()).dereference()


def describe_back_ends(device):
    """[BlockBackend] of a virtio-blk device, or of the disks on a virtio-scsi device's bus."""
    if device["name"].string() == "virtio-blk":
        found = [cast(device.address, "VirtIOBlock")["blk"]]
    elif device["name"].string() == "virtio-scsi":
        found, child = [], cast(device.address, "VirtIOSCSI")["bus"]["qbus"]["children"]["tqh_first"]
        while int(child):
            found.append(cast(child["child"], "SCSIDevice")["conf"]["blk"])
            child = child["sibling"]["tqe_next"]
    else:
        found = []
    return [
        {
            "address": int(blk),
            "in_flight": int(blk["in_flight"]),
            "quiesce_counter": int(blk["quiesce_counter"]),
            "iostatus": ["ok", "failed", "nospace"][int(blk["iostatus"])],
        }
        for blk in found
        if int(blk)
    ]


def config_word(config, offset):
    return int(config[offset]) | int(config[offset + 1]) << 8


def describe_pci(device, bus):
    """A virtio-pci device's command register and its MSI-X; None for another transport."""
    if not device["parent_obj"]["canonical_path"].string().endswith("/virtio-backend"):
        return None
    pci = cast(bus["parent"], "VirtIOPCIProxy")["pci_dev"]
    command, capability = config_word(pci["config"], 4), int(pci["msix_cap"])
    control = config_word(pci["config"], capability + 2) if capability else 0
    found = {
        "memory": bool(command & 2),
        "bus_master": bool(command & 4),
        "intx_disabled": bool(command & 1 << 10),
        "msix_enabled": bool(control & 1 << 15),
        "msix_function_masked": bool(control & 1 << 14),
        "masked": [],
        "pending": [],
    }
    for vector in range(int(pci["msix_entries_nr"]) if capability else 0):
        found["masked"].append(bool(int(pci["msix_table"][16 * vector + 12]) & 1))
        found["pending"].append(bool(int(pci["msix_pba"][vector // 8]) >> vector % 8 & 1))
    return found


def describe_device(device):
    features = int(device["guest_features"])
    is_packed = bool(features >> 34 & 1)
    bus = device["parent_obj"]["parent_bus"]
    queues = []
    while len(queues) < 1024 and int(device["vq"][len(queues)]["vring"]["num"]):
        queues.append(describe_queue(device["vq"][len(queues)], is_packed))
    return {
        "address": int(device.address),
        "path": device["parent_obj"]["canonical_path"].string(),
        "name": device["name"].string(),
        "device_id": int(device["device_id"]),
        "status": int(device["status"]),
        "host_features": int(device["host_features"]),
        "guest_features": features,
        "broken": flag(device["broken"]),
        "started": flag(device["started"]),
        "vm_running": flag(device["vm_running"]),
        "isr": int(device["isr"]),
        "ioeventfd_started": bool(cast(bus, "VirtioBusState")["ioeventfd_started"]),
        "pci": describe_pci(device, bus),
        "back_ends": describe_back_ends(device),
        "queues": queues,
    }


def find_devices():
    """By a list that hw/virtio/virtio.c has in some versions; in others by what is to be migrated."""
    symbol = gdb.lookup_static_symbol("virtio_list")
    if symbol:
        item = symbol.value()["tqh_first"]
        while int(item):
            yield item.dereference()
            item = item["next"]["tqe_next"]
        return
    entry = gdb.lookup_static_symbol("savevm_state").value()["handlers"]["tqh_first"]
    while int(entry):
        if re.search("/(virtio|vhost)-[a-z0-9-]+$", entry["idstr"].string()):
            yield cast(entry["opaque"], "VirtIODevice")
        entry = entry["entry"]["tqe_next"]


print(COMPLETE + json.dumps([describe_device(device) for device in find_devices()]))
