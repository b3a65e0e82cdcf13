"""Runs inside gdb: prints what queue 0 of blk0 has of MSI-X, irqfds and ioeventfds, as JSON on one line."""

import json

import gdb

COMPLETE = "vqitest-gdb:"

# PCI 3.0, 6.8.2.
MSIX_ENABLE, MSIX_FUNCTION_MASK = 0x80, 0x40


def cast(pointer, name):
    return pointer.cast(gdb.lookup_type(name).pointer())


def ioeventfds():
    """The addresses of all event notifiers that the accelerator was told of."""
    # In the file that defines their type. Without, gdb reads all files in which it is only declared.
    gdb.lookup_global_symbol("memory_region_add_eventfd")
    space = gdb.lookup_global_symbol("address_space_memory").value()
    return {int(space["ioeventfds"][index]["e"]) for index in range(int(space["ioeventfd_nb"]))}


def describe_msix(pci, vector):
    control = int(pci["config"][int(pci["msix_cap"]) + 3])
    return {
        "enabled": bool(control & MSIX_ENABLE),
        "function_mask": bool(control & MSIX_FUNCTION_MASK),
        "vector_mask": bool(int(pci["msix_table"][16 * vector + 12]) & 1),
        "pending": bool(int(pci["msix_pba"][vector // 8]) >> vector % 8 & 1),
    }


def describe_queue(proxy, device, queue):
    vector = int(queue["vector"])
    irqfds = proxy["vector_irqfd"]
    return {
        "vector": vector,
        "msix": describe_msix(proxy["pci_dev"], vector),
        "irqfd_users": int(irqfds[vector]["users"]) if int(irqfds) else None,
        "has_ioeventfd": int(queue["host_notifier"].address) in ioeventfds(),
        "host_notifier": int(queue["host_notifier"]["rfd"]) if int(queue["host_notifier_enabled"]) else None,
        "guest_notifier": int(queue["guest_notifier"]["rfd"]) if int(proxy["nvqs_with_notifiers"]) else None,
        "signalled_used": int(queue["signalled_used"]),
        "isr": int(device["isr"]),
    }


def devices_below(bus):
    child = bus["children"]["tqh_first"]
    while int(child):
        device = child["child"]
        yield device
        lower = device["child_bus"]["lh_first"]
        while int(lower):
            yield from devices_below(lower)
            lower = lower["sibling"]["le_next"]
        child = child["sibling"]["tqe_next"]


def find_device(name):
    """Not by the list of virtio devices, which newer QEMUs do not have."""
    system_bus = gdb.lookup_static_symbol("main_system_bus").value()
    return next(device for device in devices_below(system_bus) if int(device["id"]) and device["id"].string() == name)


def main():
    proxy = cast(find_device("blk0"), "VirtIOPCIProxy")
    device = cast(next(devices_below(proxy["bus"]["parent_obj"])), "VirtIODevice")
    print(COMPLETE + json.dumps(describe_queue(proxy, device, device["vq"][0])))


main()
