"""--report: what a bug tracker is given, and what it must not be given."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from odd_qemus import OddQemu
from rig import GEOMETRY, SLOW, on
from stuck_requests import submit

from vqitest.nbd import NbdServer

SECRETS = ["Hunter2Xyzzy", "Plugh42Fnord", "Swordfish77Q", "OpenSesame9Z", "Rosebud88Wxy"]
LIMIT = 65536


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.md"


def write(rig, path, *arguments, status):
    """A report, besides what is printed."""
    printed = rig.inspector.text(rig.vm.pid, "--report", path, *arguments, status=status)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent).count(path.name) == 1
    assert not [name for name in os.listdir(path.parent) if name.startswith(path.name + ".")]
    assert text.startswith("## Verdict: ")
    assert len(text) < LIMIT
    return printed, text


def fact(text, name):
    (value,) = re.findall(rf"^\| {re.escape(name)} \| `?(.*?)`? \|$", text, re.MULTILINE)
    return value


def part(text, title):
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def check_facts(rig, text):
    version = rig.vm.qmp.execute("query-version")["qemu"]
    assert fact(text, "QEMU").startswith("{major}.{minor}.{micro}".format(**version))
    assert fact(text, "executable") == os.readlink(f"/proc/{rig.vm.pid}/exe")
    assert fact(text, "accelerator") == "qtest"
    assert fact(text, "run state") == "running"
    assert fact(text, "host kernel").startswith(os.uname().release + " #")
    notes = subprocess.run(["readelf", "-n", f"/proc/{rig.vm.pid}/exe"], check=True, capture_output=True, text=True).stdout
    assert fact(text, "build-id") == re.search("Build ID: ([0-9a-f]+)", notes)[1]


@on("pci-split")
def test_healthy(rig, path):
    disk = rig.disk()
    disk.complete(5)
    printed, text = write(rig, path, status=0)
    assert "nothing is stuck" in printed
    assert text.startswith("## Verdict: nothing is stuck\n")
    check_facts(rig, text)
    assert fact(text, "package") == "unknown"  # built, not installed
    assert "- PCI bus `0000:00`\n  - `blk0`, `virtio-blk` at `0000:00:04.0`, 1 queue," in part(text, "Devices")
    assert "    - block -, node `d0`, driver `null-co`\n" in part(text, "Devices")
    assert not part(text, "Requests in flight")
    assert f" --pid {rig.vm.pid} --report {path}\n```" in text


@on("pci-split")
def test_of_a_recording(rig, path, tmp_path):
    """The same, long after, if one was asked for then; else without what would have been read of the host for it."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 2)
    recorded, bare, again = (tmp_path / name for name in ("recorded", "bare", "again.md"))
    printed, text = write(rig, path, "--record", recorded, "-v", status=1)
    assert rig.inspector.run("--pid", rig.vm.pid, "--record", bare).returncode == 1
    rig.machines.forget(rig.vm).__exit__(None, None, None)
    done = rig.inspector.run("--replay", recorded, "--report", again, "-v")
    assert (done.returncode, done.stdout) == (1, printed)
    command = re.compile(r"^.*virtq-inspect .*$", re.MULTILINE)
    assert command.search(text)
    assert command.sub("", again.read_text()) == command.sub("", text)
    assert rig.inspector.run("--replay", bare, "--report", again).returncode == 1
    assert fact(again.read_text(), "executable") == fact(text, "executable")
    assert fact(again.read_text(), "host kernel") == "unknown"


@on("pci-split")
def test_stuck(rig, path):
    """All that there is to know, and whatever is a secret is not in it."""
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 3, "write")
    printed, text = write(rig, path, status=1)
    assert text.startswith("## Verdict: request-stuck-in-device\n\n- **error, confirmed: request-stuck-in-device** `blk0` queue 0: ")
    assert "request-stuck-in-device, confirmed" in part(text, "Findings")
    assert re.search(r"^\| `blk0` \| 0 \| request \| stuck \| split \|", part(text, "Queues"), re.MULTILINE)
    requests = part(text, "Requests in flight")
    assert "blk0 queue 0: 3 requests in flight" in requests
    assert len(re.findall("^    write sector ", requests, re.MULTILINE)) == 3
    assert re.search("#0 0x[0-9a-f]+ ", requests)
    assert re.search(r"#\d+ 0x[0-9a-f]+ blk_aio_write_entry", requests)
    assert re.search(f"^thread {rig.vm.pid}, main loop", part(text, "Threads"), re.MULTILINE)
    assert "3 requests in flight" not in printed


@on("pci-split")
def test_secrets(rig, path, tmp_path):
    secret = iter(SECRETS)
    with NbdServer(str(tmp_path / "nbd")) as server:
        rig.add("-object", f"secret,id=s0,data={next(secret)}")
        rig.add("-object", '{"qom-type": "secret", "id": "s1", "data": "%s"}' % next(secret))
        rig.add("-fw_cfg", f"name=opt/test,string={next(secret)}")
        rig.add("-smbios", f"type=1,product=Test,serial={next(secret)}")
        rig.add("-drive", f"if=none,id=n0,file=nbd+unix://joe:{next(secret)}@/disk?socket={server.path}")
        assert next(secret, None) is None
        rig.add_device("blk", "net-disk", drive="n0")
        rig.disk()
        command_line = Path(f"/proc/{rig.vm.pid}/cmdline").read_text()
        assert all(secret in command_line for secret in SECRETS)
        printed, text = write(rig, path, "--format=json", status=0)
        for secret in SECRETS:
            assert secret not in text + printed
        words = part(text, "Command line")
        for shown in (
            "-object 'secret,id=s0,data=***'",
            """-object '{"qom-type":"secret","id":"s1","data":"***"}'""",
            "-fw_cfg 'name=opt/test,string=***'",
            "-smbios 'type=1,product=Test,serial=***'",
            f"file=nbd+unix://***@/disk?socket={server.path}",
        ):
            assert shown in re.sub(r"\n    +", " ", words), shown


@on("pci-split")
def test_nothing_is_stopped(rig, path):
    """Where nothing may be, a thread that runs has no back trace, and the report is made all the same."""
    rig.disk()
    _, text = write(rig, path, "--stop=never", "--once", status=0)
    assert "one look, " in text and "nothing stopped" in text


@on("pci-split")
def test_quiet(rig, path):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 1, "write")
    printed, text = write(rig, path, "--quiet", status=1)
    assert printed == ""
    assert "blk0 queue 0: 1 request in flight" in text


@on("pci-split")
def test_guest_data_is_left_out(rig, path):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 1, "write")
    printed, text = write(rig, path, "--dump-bytes=64", status=1)
    assert "0000  " in printed
    assert not re.search(r"^ +0000  [0-9a-f]{2} ", text, re.MULTILINE)


@on("pci-split")
def test_it_takes_the_place_of_another(rig, path):
    rig.disk()
    path.write_text("old")
    path.chmod(0o644)
    _, text = write(rig, path, status=0)
    assert "old" not in text.split()


@on("pci-split")
def test_it_cannot_be_written(rig, tmp_path):
    """Then nothing is printed, either."""
    rig.disk()
    nowhere = tmp_path / "nowhere" / "report.md"
    done = rig.inspector.run("-p", rig.vm.pid, "--report", nowhere)
    assert (done.returncode, done.stdout) == (3, "")
    assert str(nowhere) in done.stderr
    assert os.listdir(tmp_path) == []
    done = rig.inspector.run("-p", rig.vm.pid, "--report", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert os.listdir(tmp_path) == []


def test_package(machines, inspector, path):
    """Of an installed QEMU, as dpkg itself has it."""
    program = os.path.realpath(shutil.which("qemu-system-x86_64", path="/usr/bin"))
    vm = machines.start("-device", "virtio-rng-pci,id=rng0", kind=OddQemu, executable=program)
    inspector.text(vm.pid, "--report", path, status=0)
    package = subprocess.run(["dpkg", "-S", program], check=True, capture_output=True, text=True).stdout.partition(": ")[0]
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    version = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    text = path.read_text()
    assert fact(text, "package") == f"{package} {version}"
    assert fact(text, "accelerator") == "tcg"
    system = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    assert fact(text, "its system") == system["PRETTY_NAME"].strip('"')
