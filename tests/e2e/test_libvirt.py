"""The scripts of docs/libvirt.md, with a QEMU that libvirt could have started and a virsh that only takes notes."""

import os
import re
import subprocess

import pytest
from rig import SLOW, GEOMETRY, on
from stuck_requests import submit

from vqitest.guest import ROOT
from vqitest.inspector import Report

SCRIPTS = [
    script
    for script in re.findall(r"^```bash\n(.*?)^```$", (ROOT / "docs/libvirt.md").read_text(), re.DOTALL | re.MULTILINE)
    if script.startswith("#!")
]
DESTROY, HOOK = SCRIPTS

# What is called is noted, and of systemd-run the command is run.
NOTE = """#!/bin/sh
echo "${{0##*/}} $*" >>"{log}"
"""
RUN = f"""{NOTE}while [ "$1" != virtq-inspect ]; do shift; done
exec "$@"
"""


class Recipe:
    def __init__(self, rig, folder):
        self._rig = rig
        self._log = folder / "log"
        self._folders = {"/run/libvirt/qemu": folder / "run", "/var/log/virtq-inspect": folder / "evidence"}
        self._bin = folder / "bin"
        self._bin.mkdir()
        self.evidence = folder / "evidence"
        (folder / "run").mkdir()
        (folder / "run/web1.pid").write_text(f"{rig.vm.pid}\n")
        self._program("virsh", NOTE)
        self._program("systemd-run", RUN)
        (self._bin / "virtq-inspect").symlink_to(rig.inspector.path)

    def _program(self, name, text):
        path = self._bin / name
        path.write_text(text.format(log=self._log))
        path.chmod(0o755)

    @property
    def notes(self):
        return self._log.read_text().splitlines() if self._log.exists() else []

    def run(self, script, *arguments):
        for folder, other in self._folders.items():
            script = script.replace(folder, str(other))
        return subprocess.run(
            ["bash", "-c", script, "script", *arguments],
            env={**self._rig.inspector.env, "PATH": f"{self._bin}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def recipe(rig, tmp_path):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 2)
    rig.report(status=1)
    return Recipe(rig, tmp_path)


@on("pci-split")
def test_evidence_comes_first(rig, recipe):
    done = recipe.run(DESTROY, "web1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "status 1\nstatus 1\n")
    assert recipe.notes == ["virsh destroy web1"]
    assert recipe.evidence.stat().st_mode & 0o777 == 0o700
    document, text = sorted(recipe.evidence.iterdir())
    assert (document.suffix, text.suffix) == (".json", ".txt")
    report = Report(document.read_text(), 1)
    report.only_finding("request-stuck-in-device", "blk0", 0)
    assert len(report.queue("blk0", 0)["requests"]) == 2
    assert "read sector 0" in text.read_text()


@on("pci-split")
def test_hook_looks_once_a_domain_has_started(rig, recipe):
    done = recipe.run(HOOK, "web1", "started", "begin", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (note,) = recipe.notes
    assert note.endswith(f" virtq-inspect --pid {rig.vm.pid} --once --quiet")


@on("pci-split")
@pytest.mark.parametrize("operation", [("prepare", "begin"), ("start", "begin"), ("stopped", "end"), ("release", "end")])
def test_hook_leaves_the_rest_alone(recipe, operation):
    """A hook that fails ends the domain."""
    done = recipe.run(HOOK, "web1", *operation, "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert recipe.notes == []


@on("pci-split")
def test_hook_that_cannot_look_does_not_fail(recipe):
    done = recipe.run(HOOK, "another", "started", "begin", "-")
    assert done.returncode == 0, done.stderr
