"""The published method, run inside gdb: avail.idx and used_event of the queues whose addresses are in $QUEUES."""

import os

import gdb

uint16_type = gdb.lookup_type("uint16_t")
for address in os.environ["QUEUES"].split():
    vq = gdb.Value(int(address, 16)).cast(gdb.lookup_type("VirtQueue").pointer())
    if int(vq["vring"]["desc"]) == 0:
        continue
    avail = vq["vring"]["caches"]["avail"]["ptr"].cast(uint16_type.pointer())
    avail_idx = avail[1]
    used_event = avail[2 + int(vq["vring"]["num"])]
    if avail_idx != vq["shadow_avail_idx"]:
        print("Device has not seen all available buffers: avail_idx {} in {}".format(avail_idx, vq.dereference()))
    if used_event != vq["used_idx"]:
        print("Driver has not seen all used buffers: used_event {} in {}".format(used_event, vq.dereference()))
    print("{}: avail_idx {} used_event {}".format(address, avail_idx, used_event))
