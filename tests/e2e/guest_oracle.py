"""A Linux guest knows its virtio devices by itself: what virtq-inspect says of them must be what its /sys says."""

import re
from collections import namedtuple

DEVICES = (
    "cd /sys/bus/virtio/devices; for d in *; do "
    "echo $(basename $(dirname $(readlink -f $d))) $(cat $d/device $d/status $d/features); done"
)

Seen = namedtuple("Seen", "device_id status features")


def check_with_guest(report, guest):
    """Every device is at its place and has its number, its status and the features that were agreed on."""
    lines = guest.check(DEVICES).splitlines()
    seen = {}
    for at, device_id, status, features in (line.split() for line in lines if line):
        seen[at] = Seen(int(device_id, 16), int(status, 16), int(features[::-1], 2))
    said = [
        (device["transport"], Seen(device["device_id"], device["status"], int(device["features"]["guest"], 16)))
        for device in report.devices
    ]
    if all(transport["address"] for transport, _ in said):
        assert {place(transport): what for transport, what in said} == seen
    else:
        assert sorted(what for _, what in said) == sorted(seen.values())


def place(transport):
    """What Linux calls it."""
    if transport["type"] == "mmio":
        return f"{transport['address'].removeprefix('0x')}.virtio_mmio"
    if transport["type"] == "ccw":
        # The channel subsystem of virtual devices is the only one of such a guest, its first.
        return re.sub("^fe", "0", transport["address"])
    return transport["address"]
