# SPDX-License-Identifier: GPL-2.0-or-later
"""C is formatted by .clang-format, and no file is too long to be read."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("include", "src", "tests") for path in (ROOT / folder).rglob("*.[ch]"))

MAX_LINES = 450
# To be split; nothing may be added.
TOO_LONG = {"tests/unit/test_dwarf.c", "tests/unit/test_image.c", "tests/unit/test_stop.c"}


def name(path):
    return str(path.relative_to(ROOT))


def test_there_are_sources():
    assert len(SOURCES) > 100


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_format(path):
    run = subprocess.run(
        ["clang-format", "--style=file", "-n", "--Werror", name(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_length():
    long = {name(path) for path in SOURCES if len(path.read_text().splitlines()) > MAX_LINES}
    assert long == TOO_LONG


def test_license():
    for path in SOURCES:
        assert path.read_text().startswith("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"), path


def test_no_trailing_space_and_one_newline_at_the_end():
    for path in SOURCES:
        text = path.read_text()
        assert not any(line != line.rstrip() for line in text.splitlines()), path
        assert text.endswith("\n") and not text.endswith("\n\n"), path


def test_every_unit_test_is_built():
    listed = re.search(r"^unit_tests = \[(.*?)\]", (ROOT / "tests/meson.build").read_text(), re.DOTALL | re.MULTILINE)
    files = sorted(path.stem.removeprefix("test_") for path in (ROOT / "tests/unit").glob("*.c"))
    assert re.findall(r"'(\w+)'", listed[1]) == files
