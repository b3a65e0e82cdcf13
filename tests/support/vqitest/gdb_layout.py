"""Runs inside gdb, on a file: prints where the fields of structures lie, and symbols, as JSON on one line.

What is asked for is in the variable `wanted`, {"structs": [...], "symbols": [...]}; what this QEMU has not is left out.
"""

import json

import gdb

COMPLETE = "vqitest-gdb:"


def add_fields(found, kind, prefix="", start=0):
    """{"vring.num": [offset, size]}, with the fields of structures within, named or not. The first of an array stands for it."""
    for field in kind.fields():
        if not hasattr(field, "bitpos") or field.bitsize:
            continue
        offset, inner = start + field.bitpos // 8, field.type.strip_typedefs()
        path = f"{prefix}{field.name}" if field.name else prefix
        if field.name:
            found[path] = [offset, inner.sizeof]
        if inner.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            add_fields(found, inner, f"{path}." if field.name else prefix, offset)


def find_struct(name):
    for lookup in (f"struct {name}", name):
        try:
            kind = gdb.lookup_type(lookup).strip_typedefs()
        except gdb.error:
            continue
        if kind.code == gdb.TYPE_CODE_STRUCT and kind.fields():
            return kind
    return None


def main():
    wanted = json.loads(gdb.convenience_variable("wanted").string())
    structs, symbols = {}, {}
    for name in wanted["structs"]:
        kind = find_struct(name)
        if kind:
            fields = structs[name] = {"": [0, kind.sizeof]}
            add_fields(fields, kind)
    for name in wanted["symbols"]:
        symbol = gdb.lookup_static_symbol(name) or gdb.lookup_global_symbol(name)
        if symbol:
            symbols[name] = int(symbol.value().address)
    print(COMPLETE + json.dumps({"structs": structs, "symbols": symbols}))


main()
