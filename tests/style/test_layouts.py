# SPDX-License-Identifier: GPL-2.0-or-later
"""The layout profiles that come with the tool: all of data/layouts is compiled in, and is what its schema says."""

import json
import pathlib
import re
import sys

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from vqitest.profile import digest  # noqa: E402 the path comes first

PROFILES = sorted((ROOT / "data/layouts").iterdir())
SCHEMA = json.loads((ROOT / "data/virtq-inspect-layout.schema.json").read_text())


def test_all_are_compiled_in():
    option = re.search(r"'layouts'.*?choices: \[(.*?)\]", (ROOT / "meson_options.txt").read_text(), re.DOTALL)[1]
    assert sorted(re.findall(r"'([^']+)'", option)) == sorted(path.stem for path in PROFILES)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profile(path):
    profile = json.loads(path.read_text())
    jsonschema.validate(profile, SCHEMA)
    assert profile["digest"] == digest(profile)
    assert profile["source"] == "dwarf", "it is made from debug information"
    assert path.stem.startswith(f"qemu-{profile['qemu']['version']}")
    assert (profile["qemu"]["build_id"], profile["symbols"]) == (None, {}), "nothing of one build alone"
