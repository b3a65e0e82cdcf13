"""Runs inside gdb: prints the event loops of a QEMU and what they listen to, as JSON on one line.

The main loop's contexts are variables of QEMU's, and an iothread's is found on the stack of its thread.
"""

import json

import gdb

COMPLETE = "vqitest-loops:"


def describe_context(context):
    handlers, handler = {}, context["aio_handlers"]["lh_first"]
    while int(handler):
        handlers[int(handler["opaque"])] = int(handler["io_read"]) != 0
        handler = handler["node"]["le_next"]
    fields = [field.name for field in context.type.target().fields()]
    disabled = int(context["external_disable_cnt"]) if "external_disable_cnt" in fields else 0
    return {"address": int(context), "disabled": disabled != 0, "reads": handlers}


def find_iothreads():
    """(thread id, struct IOThread) of each, the monitor's too."""
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        while frame is not None and frame.name() != "iothread_run":
            frame = frame.older()
        if frame is not None:
            yield thread.ptid[1], frame.read_var("iothread")


def main():
    pid = gdb.selected_inferior().pid
    contexts = [gdb.lookup_static_symbol(name) or gdb.lookup_global_symbol(name) for name in MAIN_CONTEXTS]
    loops = {pid: [describe_context(context.value()) for context in contexts]}
    for tid, iothread in find_iothreads():
        loops[tid] = [describe_context(iothread["ctx"])]
    print(COMPLETE + json.dumps(loops))


MAIN_CONTEXTS = ("qemu_aio_context", "iohandler_ctx")
main()
