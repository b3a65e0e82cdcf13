# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual, the help, the rule table and the schema say the same.

VIRTQ_INSPECT names the program.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "man/virtq-inspect.1").read_text()
RULES = (ROOT / "src/diagnose/rules.c").read_text()
SCHEMA = json.loads((ROOT / "data/virtq-inspect.schema.json").read_text())

# What scripts rely on: option, its letter. An option that the program has must be here, and be so.
INTERFACE = {
    "pid": "p",
    "name": "n",
    "all": "a",
    "core": None,
    "exe": None,
    "replay": None,
    "device": "d",
    "queue": "q",
    "once": None,
    "interval": None,
    "watch": "w",
    "count": None,
    "until-stuck": None,
    "requests": "r",
    "stacks": "s",
    "dump-bytes": None,
    "guest-driver": "g",
    "stop": None,
    "record": None,
    "diff": None,
    "report": None,
    "check": None,
    "export-layout": None,
    "layout": None,
    "debuginfo": None,
    "no-cache": None,
    "format": "f",
    "output": None,
    "color": None,
    "verbose": "v",
    "quiet": None,
    "help": None,
    "version": None,
}


def section(title):
    return MANUAL.partition(f"\n.Sh {title}\n")[2].partition("\n.Sh ")[0]


@pytest.fixture(scope="module")
def help_text():
    program = os.environ.get("VIRTQ_INSPECT")
    if not program:
        pytest.skip("VIRTQ_INSPECT is not set")
    run = subprocess.run([program, "--help"], check=True, capture_output=True, text=True)
    assert run.stderr == ""
    return run.stdout


def help_options(text):
    """The options of the help: name, and letter."""
    found = re.findall(r"^  (?:-(\w), |    )--([a-z-]+)", text, re.MULTILINE)
    assert len(found) == len({name for _, name in found})
    return {name: letter or None for letter, name in found}


def manual_options(text):
    found = {}
    for item in re.findall(r"^\.It (Fl .*)$", text, re.MULTILINE):
        letters = re.findall(r"Fl (\w)\b", item)
        (name,) = re.findall(r" -([a-z-]+)", item)
        found[name] = letters[0] if letters else None
    return found


def test_options_of_the_help_are_in_the_manual(help_text):
    assert help_options(help_text) == manual_options(section("OPTIONS"))


def test_options_are_those_of_the_interface(help_text):
    options = help_options(help_text)
    assert {"pid", "help", "version"} <= set(options)
    assert options == {name: INTERFACE.get(name, "not in the interface") for name in options}


def test_synopsis_has_every_option(help_text):
    synopsis = section("SYNOPSIS")
    for name, letter in help_options(help_text).items():
        assert re.search(rf" -{name}\b", synopsis) or (letter and re.search(rf"Fl {letter}\b", synopsis)), name


def test_exit_statuses_agree(help_text):
    in_help = re.findall(r"^  (\d)  ", help_text.partition("Exit status:")[2], re.MULTILINE)
    in_manual = re.findall(r"^\.It (?:Sy )?(\d)\b", section("EXIT STATUS"), re.MULTILINE)
    assert in_help == in_manual == ["0", "1", "2", "3", "4"]


def test_help_fits_a_terminal(help_text):
    assert max(map(len, help_text.splitlines())) <= 100


def test_findings_are_the_rules():
    in_manual = re.findall(r"^\.It Sy ([a-z-]+)$", section("FINDINGS"), re.MULTILINE)
    in_table = re.findall(r'\.id = "([a-z-]+)"', RULES)
    assert len(in_table) > 5
    assert len(set(in_table)) == len(in_table)
    assert len(set(in_manual)) == len(in_manual)
    assert set(in_manual) == set(in_table)


def test_schema_knows_the_rules():
    in_schema = SCHEMA["$defs"]["finding"]["properties"]["id"]["enum"]
    assert set(re.findall(r'\.id = "([a-z-]+)"', RULES)) <= set(in_schema)


def test_states_agree():
    in_manual = re.findall(r"^\.It Sy ([a-z]+)$", section("QUEUE STATES"), re.MULTILINE)
    in_schema = SCHEMA["$defs"]["queue"]["properties"]["state"]["enum"]
    assert sorted(in_manual) == sorted(in_schema)


def test_manual_is_well_formed():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    run = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", ROOT / "man/virtq-inspect.1"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout
