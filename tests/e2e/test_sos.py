"""The plugin for sos, in the sos that Debian ships."""

import os
import shutil
import subprocess
import sys
import tarfile

import pytest
from hosts import STUCK, hang, host, start  # noqa: F401 fixtures

from vqitest.guest import ROOT
from vqitest.inspector import Report
from vqitest.stock import unpacked

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="sos needs root")

PLUGIN = ROOT / "data/sos/virtq_inspect.py"

# sos has a PATH of its own. The mount is seen by nobody else, and ends with the process.
ENTER = 'mount --bind "$1" /usr/local/sbin && shift && exec "$@"'


def test_plugin(host, start, inspector, tmp_path):  # noqa: F811
    hang(start(*STUCK, name="web1", memory="64"))
    start(name="web2")
    root = unpacked("sosreport")
    packages = tmp_path / "packages"
    shutil.copytree(root / "usr/lib/python3/dist-packages", packages)
    shutil.copy(PLUGIN, packages / "sos/report/plugins")
    programs, reports = tmp_path / "bin", tmp_path / "reports"
    programs.mkdir()
    reports.mkdir()
    (programs / "virtq-inspect").symlink_to(inspector.path)
    config = tmp_path / "sos.conf"
    config.write_text("")
    done = subprocess.run(
        [*host.prefix, "unshare", "--mount", "sh", "-c", ENTER, "sh", programs]
        + [sys.executable, root / "usr/bin/sos", "report", "--batch", "--only-plugins", "virtq_inspect"]
        + ["--tmp-dir", reports, "--config-file", config, "--name", "test", "--threads", "1"],
        env={**inspector.env, "PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"},
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
    assert text.startswith("2 VMs, 1 with ")
    assert "blk0 queue 0: 1 request taken and not completed" in text
    assert "read sector 0" in text
    stuck, well = [Report(line) for line in document.splitlines()]
    stuck.only_finding("request-stuck-in-device", "blk0", 0)
    assert len(stuck.queue("blk0", 0)["requests"]) == 1
    well.assert_healthy()
    assert (stuck.target["vm_name"], well.target["vm_name"]) == ("web1", "web2")
