"""Runs inside gdb: prints every virtio device and queue of a QEMU with debug information, as JSON on one line.

gdb is slow and stops QEMU, but it is the one other program that reads the very fields.
"""

import json

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
        "notification_address": int(queue["notification"].address),
        "inuse": int(queue["inuse"]),
        "inuse_address": int(queue["inuse"].address),
        "vector": int(queue["vector"]),
        "host_notifier": notifier(queue["host_notifier"]),
        "guest_notifier": notifier(queue["guest_notifier"]),
        "ring": ring,
    }


def drain_counter(device):
    """Where a disk's event loop counts the drains that keep it from reading kicks (QEMU up to 8.0)."""
    if device["name"].string() != "virtio-blk":
        return None
    dataplane = device.address.cast(gdb.lookup_type("VirtIOBlock").pointer())["dataplane"]
    return int(dataplane["ctx"]["external_disable_cnt"].address) if int(dataplane) else None


def describe_device(device):
    features = int(device["guest_features"])
    is_packed = bool(features >> 34 & 1)
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
        "drain_counter_address": drain_counter(device),
        "queues": queues,
    }


def main():
    # The list is a static of hw/virtio/virtio.c.
    item = gdb.lookup_static_symbol("virtio_list").value()["tqh_first"]
    devices = []
    while int(item):
        devices.append(describe_device(item.dereference()))
        item = item["next"]["tqe_next"]
    print(COMPLETE + json.dumps(devices))


main()
