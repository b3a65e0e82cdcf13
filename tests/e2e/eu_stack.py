"""The oracle of back traces: elfutils' eu-stack, which stops a process, or reads its core."""

import re
import subprocess


def eu_stack(*arguments):
    """{tid: [(pc, function or None)]}"""
    command = ["eu-stack", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found, frames = {}, None
    for line in done.stdout.splitlines():
        if thread := re.match(r"TID (\d+):", line):
            frames = found[int(thread[1])] = []
        elif frame := re.match(r"#\d+ +0x([0-9a-f]+)(?: - 1)? *([^\s@]*)", line):
            frames.append((int(frame[1], 16), frame[2].strip("_") or None))
    return found


def check_threads(report, expected):
    """The threads of a report, by their ids, and the functions on their stacks: all are those of eu_stack()."""
    found = {thread["tid"]: thread for thread in report.json["threads"]}
    assert set(found) == set(expected)
    named, names = 0, set()
    for tid, frames in expected.items():
        stack = found[tid]["stack"]
        assert found[tid]["stack_gap"] is None
        assert [int(frame["pc"], 16) for frame in stack] == [pc for pc, _ in frames], f"thread {tid}"
        for frame, (_, name) in zip(stack, frames):
            our_name = frame["function"] and frame["function"].strip("_")
            assert None in (our_name, name) or our_name == name
            named += our_name is not None and name is not None
            names.add(our_name)
    assert named >= len(found), "at least the functions of the C library"
    return found, names
