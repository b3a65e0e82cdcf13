# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the C table of the layout profiles that come with the tool, packed as src/layout/recorded.c has it.

Usage: shipped.py PROFILE... C
"""

import json
import struct
import sys
import textwrap
from pathlib import Path

ARRAY = "static const uint8_t layout_{number}[] = {{\n{bytes}\n}};\n\n"
ROW = '\t{{"{name}", "{version}", layout_{number}, sizeof(layout_{number})}},\n'


def text(value):
    return struct.pack("<I", len(value) + 1) + value.encode("ascii")


def place(name, *numbers):
    return text(name) + b"\0" + struct.pack(f"<{len(numbers)}I", *numbers)


def pack(structs):
    """No source, no name, of no other build; and no addresses of variables, as these are of one build."""
    end = struct.pack("<I", 0)
    sizes = [place(name, structure["size"]) for name, structure in structs.items()]
    fields = [
        place(f"{name}.{path}", field["offset"], field["size"])
        for name, structure in structs.items()
        for path, field in structure["fields"].items()
    ]
    return b"".join([b"\0", text(""), b"\0", *sizes, end, *fields, end, end])


def bytes_of(data):
    return textwrap.fill(", ".join(map(str, data)), 100, initial_indent="\t", subsequent_indent="\t")


def main(*sources, target):
    rows = []
    with open(target, "w", encoding="utf-8") as output:
        output.write('#include "vqi/store.h"\n\n')
        for number, source in enumerate(map(Path, sources)):
            profile = json.loads(source.read_text(encoding="utf-8"))
            assert profile["qemu"]["build_id"] is None and not profile["symbols"], source
            output.write(ARRAY.format(number=number, bytes=bytes_of(pack(profile["structs"]))))
            rows.append(ROW.format(name=source.name, version=profile["qemu"]["version"], number=number))
        output.write("const struct vqi_shipped_profile vqi_shipped_profiles[] = {\n" + "".join(rows) + "};\n\n")
        output.write(f"const size_t vqi_shipped_profile_count = {len(rows)};\n")


main(*sys.argv[1:-1], target=sys.argv[-1])
