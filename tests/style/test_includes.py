# SPDX-License-Identifier: GPL-2.0-or-later
"""A module includes headers of modules to its left and of base, never of those to its right."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# From left to right.
MODULES = ["base", "target", "layout", "qemu", "virtio", "capture", "diagnose", "report", "cli"]

# Whose contract each public header is.
PUBLIC = {
    "candidates.h": "target",
    "capture.h": "capture",
    "checked.h": "base",
    "cleanup.h": "base",
    "confined.h": "base",
    "diagnose.h": "diagnose",
    "diff.h": "report",
    "dwarf.h": "layout",
    "elf.h": "base",
    "error.h": "base",
    "fnv.h": "base",
    "exports.h": "qemu",
    "ghash.h": "qemu",
    "heap.h": "target",
    "history.h": "report",
    "image.h": "layout",
    "in_flight.h": "qemu",
    "infer.h": "layout",
    "inspect.h": "cli",
    "jmp_buf.h": "target",
    "layout.h": "layout",
    "layout_table.h": "layout",
    "limits.h": "base",
    "lines.h": "report",
    "mask.h": "base",
    "loops.h": "qemu",
    "mem.h": "target",
    "names.h": "virtio",
    "num.h": "base",
    "openmetrics.h": "report",
    "options.h": "cli",
    "pack.h": "base",
    "process.h": "target",
    "profile.h": "layout",
    "qemu.h": "qemu",
    "record.h": "target",
    "registers.h": "base",
    "replace.h": "base",
    "report.h": "report",
    "request.h": "base",
    "requests.h": "virtio",
    "scan.h": "qemu",
    "screen.h": "report",
    "snapshot.h": "base",
    "stack.h": "base",
    "stop.h": "target",
    "store.h": "layout",
    "symbols.h": "layout",
    "unwind.h": "layout",
    "virtio.h": "virtio",
    "vms.h": "report",
}

SOURCES = sorted((ROOT / "src").rglob("*.[ch]")) + sorted((ROOT / "include/vqi").glob("*.h"))


def module_of(path):
    folder = path.relative_to(ROOT).parts
    return PUBLIC[path.name] if folder[0] == "include" else folder[1]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE)


def test_every_public_header_has_a_module():
    assert sorted(PUBLIC) == sorted(path.name for path in (ROOT / "include/vqi").glob("*.h"))
    assert set(PUBLIC.values()) <= set(MODULES)


def test_every_folder_is_a_module():
    assert {path.name for path in (ROOT / "src").iterdir()} == set(MODULES)
    assert not list((ROOT / "src").glob("*.[ch]"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path):
    module = module_of(path)
    for name in includes(path):
        if not name.startswith("vqi/"):
            assert (path.parent / name).is_file(), f"{name} is no header of {path.parent.name}"
            continue
        other = PUBLIC[name.removeprefix("vqi/")]
        assert MODULES.index(other) <= MODULES.index(module), f"{module} includes {name}, which is {other}"


def test_own_contract_comes_first():
    """A source file whose module has a header of its name includes it first, so that it stands alone."""
    for path in (ROOT / "src").rglob("*.c"):
        own = f"{path.stem}.h"
        if (path.parent / own).is_file():
            assert includes(path)[0] == own, path
        elif PUBLIC.get(own) == path.parent.name:
            assert includes(path)[0] == f"vqi/{own}", path


def test_guards():
    for path in SOURCES:
        if path.suffix != ".h":
            continue
        found = re.search(r"^#ifndef (\w+)\n#define (\w+)\n", path.read_text(), re.MULTILINE)
        assert found and found[1] == found[2], path
        folders = path.relative_to(ROOT).parts
        prefix = "VQI" if folders[0] == "include" else f"VQI_{folders[1].upper()}"
        assert found[1] == f"{prefix}_{path.stem.upper()}_H", path
