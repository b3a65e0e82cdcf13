"""Runs inside gdb: has the command bt print what a program can compare, one frame a line, as JSON.

A frame is what is on the stack: of functions that the compiler put into another it is that one's, with the innermost line. A
call whose frame is gone, because it was the last thing that a function did, gdb shows as a frame, though it is on no stack.
"""

import json

import gdb

FRAMES = "vqitest-frame:"
HANDLED_BY_TABLES = (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME)


class Printer:
    name = "vqitest"
    enabled = True
    priority = 1

    def filter(self, decorators):
        line = None
        for decorator in decorators:
            frame = decorator.inferior_frame()
            if frame.type() == gdb.TAILCALL_FRAME:
                continue
            line = line or frame.find_sal().line or None
            if frame.type() in HANDLED_BY_TABLES:
                facts = {"pc": frame.pc(), "function": frame.name(), "line": line}
                print(FRAMES + json.dumps(facts))
                line = None
        return iter(())


gdb.frame_filters["vqitest"] = Printer()
