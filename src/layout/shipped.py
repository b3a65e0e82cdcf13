# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the C table of the layout profiles that come with the tool.

Usage: shipped.py PROFILE... C
"""

import json
import sys
import textwrap
from pathlib import Path

ARRAY = "static const char text_{number}[] = {{\n{bytes}\n}};\n\n"


def bytes_of(text):
    """Numbers, as ISO C's string literals are short."""
    numbers = ", ".join(str(byte) for byte in (*text.encode("ascii"), 0))
    return textwrap.fill(numbers, 100, initial_indent="\t", subsequent_indent="\t")


def main(*sources, target):
    rows = []
    with open(target, "w", encoding="utf-8") as output:
        output.write('#include "vqi/store.h"\n\n')
        for number, source in enumerate(map(Path, sources)):
            profile = json.loads(source.read_text(encoding="utf-8"))
            output.write(ARRAY.format(number=number, bytes=bytes_of(json.dumps(profile, separators=(",", ":")))))
            rows.append(f'\t{{"{source.name}", "{profile["qemu"]["version"]}", text_{number}}},\n')
        output.write("const struct vqi_shipped_profile vqi_shipped_profiles[] = {\n" + "".join(rows) + "};\n\n")
        output.write(f"const size_t vqi_shipped_profile_count = {len(rows)};\n")


main(*sys.argv[1:-1], target=sys.argv[-1])
