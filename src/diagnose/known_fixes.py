# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the C table of known fixes from data/known-fixes.tsv, which explains its columns.

Usage: known_fixes.py TSV C
"""

import sys

COLUMNS = 8
NONE = "-"
MAY_BE_NONE = {1, 2, 7}  # device, introduced, needs


def rows(path):
    with open(path, encoding="utf-8") as table:
        for number, line in enumerate(table, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            cells = line.split("\t")
            if len(cells) != COLUMNS:
                sys.exit(f"{path}:{number}: {len(cells)} columns instead of {COLUMNS}")
            for column, cell in enumerate(cells):
                if not cell or (cell == NONE and column not in MAY_BE_NONE):
                    sys.exit(f"{path}:{number}: nothing in column {column + 1}")
            yield cells


def literal(cell):
    if cell == NONE:
        return "NULL"
    return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(source, target):
    with open(target, "w", encoding="utf-8") as output:
        output.write('#include "vqi/diagnose.h"\n\nconst struct vqi_known_fix vqi_known_fixes[] = {\n')
        for cells in rows(source):
            output.write("\t{" + ", ".join(map(literal, cells)) + "},\n")
        output.write("};\n\n")
        output.write("const size_t vqi_known_fix_count = sizeof(vqi_known_fixes) / sizeof(vqi_known_fixes[0]);\n")


main(*sys.argv[1:])
