# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documents tell to type is right: options that there are, scripts that shellcheck takes, links that lead somewhere."""

import configparser
import pathlib
import re
import shlex
import subprocess

import pytest
from test_man import INTERFACE, section

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
ALERTS = (ROOT / "data/virtq-inspect.rules.yml").read_text()

BLOCKS = [
    (path, number, block)
    for path in DOCUMENTS
    for number, block in enumerate(re.findall(r"^```bash\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE))
]


def commands(text):
    """The words of each virtq-inspect that is called, up to what ends the command."""
    text = text.replace("\\\n", " ")
    for found in re.findall(r"(?<![\w./\"-])(?:/usr/bin/)?virtq-inspect (-[^\n`|;&]*)", text):
        yield re.sub(r'"\$\([^)]*\)"', "X", found).split()


def options(words):
    known = {f"--{name}" for name in INTERFACE} | {f"-{letter}" for letter in INTERFACE.values() if letter}
    for word in words:
        if word.startswith("-") and word != "-":
            yield word.partition("=")[0], word.partition("=")[0] in known


def units():
    return sorted([*(ROOT / "docs").glob("*.service"), *(ROOT / "docs").glob("*.timer")])


def read_unit(path):
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read_string(path.read_text())
    return unit


@pytest.mark.parametrize("path, number, block", BLOCKS, ids=lambda value: getattr(value, "stem", str(value)[:3].strip()))
def test_scripts(path, number, block):
    run = subprocess.run(["shellcheck", "--shell=bash", "-"], input=block, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", [*DOCUMENTS, *units()], ids=lambda path: path.name)
def test_options_are_known(path):
    for words in commands(path.read_text()):
        for option, is_known in options(words):
            assert is_known, f"{option} in: {shlex.join(words)}"


def test_commands_are_found():
    found = [words for path in DOCUMENTS for words in commands(path.read_text())]
    assert len(found) > 10
    assert any("--device" in words for words in found)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_every_alert_is_told():
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/prometheus.md").read_text(), re.MULTILINE)
    assert told == re.findall(r"- alert: (\w+)", ALERTS)


def test_states_that_can_be_dropped():
    """All but the one that the alerts ask for."""
    regex = re.search(r"regex: (virtq_inspect_queue_state;\S+)", (ROOT / "docs/prometheus.md").read_text())[1]
    states = set(re.findall(r"^\.It Sy ([a-z]+)$", section("QUEUE STATES"), re.MULTILINE)) - {"disabled"}
    kept = {state for state in states if not re.fullmatch(regex, f"virtq_inspect_queue_state;{state}")}
    assert kept == set(re.findall(r'state="(\w+)"', ALERTS)) == {"stuck"}


@pytest.mark.parametrize("path", units(), ids=lambda path: path.name)
def test_units(path):
    unit = read_unit(path)
    if path.suffix == ".timer":
        assert path.with_suffix(".service").exists()
        assert unit["Install"]["WantedBy"] == "timers.target"
        return
    assert unit["Service"]["ExecStart"].startswith("/usr/bin/virtq-inspect -")


def test_numbers_go_where_node_exporter_looks():
    """And a finding is no failure of the service."""
    service = read_unit(ROOT / "docs/virtq-inspect-metrics.service")["Service"]
    (words,) = commands(service["ExecStart"])
    assert "--format=openmetrics" in words
    file = words[words.index("--output") + 1]
    assert pathlib.PurePath(file).match("/var/lib/prometheus/node-exporter/virtq-inspect*.prom")
    asked = re.search(r'node_textfile_mtime_seconds\{file=~"([^"]+)"\}', ALERTS)[1]
    assert re.fullmatch(asked, file)
    assert service["SuccessExitStatus"].split() == ["1", "4"]


@pytest.mark.parametrize("path", units(), ids=lambda path: path.name)
def test_systemd_understands_the_units(path, tmp_path):
    # The program need not be installed, and a template is of something.
    for unit in units():
        text = unit.read_text().replace("/usr/bin/virtq-inspect", "/bin/true")
        (tmp_path / unit.name.replace("@.", "@web1.")).write_text(text)
    file = tmp_path / path.name.replace("@.", "@web1.")
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_waiting_for_a_hang():
    """It ends by a finding, which is no failure, and does not replace the report of one."""
    unit = read_unit(ROOT / "docs/virtq-inspect@.service")
    (words,) = commands(unit["Service"]["ExecStart"])
    assert {"--until-stuck", "--watch=1", "--name", "%i"} <= set(words)
    report = words[words.index("--report") + 1]
    assert unit["Unit"]["ConditionPathExists"] == f"!{report}"
    assert pathlib.PurePath(report).parent == pathlib.PurePath("/var/log") / unit["Service"]["LogsDirectory"]
    assert "1" in unit["Service"]["SuccessExitStatus"].split()
    assert "CAP_SYS_PTRACE" in unit["Service"]["CapabilityBoundingSet"].split()
