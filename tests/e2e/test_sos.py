"""The plugin for sos, in the sos that Debian ships."""

import shutil
import subprocess
import sys
import tarfile

from rig import SLOW, GEOMETRY, on
from stuck_requests import submit

from vqitest.guest import ROOT
from vqitest.inspector import Report
from vqitest.stock import unpacked

PLUGIN = ROOT / "data/sos/virtq_inspect.py"

# sos has a PATH of its own. The mount is seen by nobody else, and ends with the process.
ENTER = 'mount --bind "$1" /usr/local/sbin && shift && exec "$@"'

# Of all VMs of this host only the test's own is its business.
ONLY = """#!/bin/sh
echo "$*" >>"{log}"
test "$1" = --all || exit 2
shift
exec "{program}" --pid {pid} "$@"
"""


@on("pci-split")
def test_plugin(rig, tmp_path):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 2)
    rig.report(status=1)

    root = unpacked("sosreport")
    packages = tmp_path / "packages"
    shutil.copytree(root / "usr/lib/python3/dist-packages", packages)
    shutil.copy(PLUGIN, packages / "sos/report/plugins")
    programs, reports, log = tmp_path / "bin", tmp_path / "reports", tmp_path / "log"
    programs.mkdir()
    reports.mkdir()
    only = programs / "virtq-inspect"
    only.write_text(ONLY.format(log=log, program=rig.inspector.path, pid=rig.vm.pid))
    only.chmod(0o755)
    config = tmp_path / "sos.conf"
    config.write_text("")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ENTER, "sh", programs]
        + [sys.executable, root / "usr/bin/sos", "report", "--batch", "--only-plugins", "virtq_inspect"]
        + ["--tmp-dir", reports, "--config-file", config, "--name", "test", "--threads", "1"],
        env={**rig.inspector.env, "PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    (archive,) = [path for path in reports.iterdir() if ".tar" in path.suffixes and path.suffix not in (".md5", ".sha256")]
    with tarfile.open(archive) as tar:
        found = {name.rpartition("/sos_commands/")[2]: name for name in tar.getnames() if "/sos_commands/" in name}
        text, document = (
            tar.extractfile(found[f"virtq_inspect/virtq-inspect.{kind}"]).read().decode("utf-8") for kind in ("text", "json")
        )
    assert "blk0 queue 0: 2 requests taken and not completed" in text
    assert "read sector 0" in text
    report = Report(document, 1)
    report.only_finding("request-stuck-in-device", "blk0", 0)
    assert len(report.queue("blk0", 0)["requests"]) == 2
    assert all("--stop=never" in line for line in log.read_text().splitlines())
