"""The units in docs/ that wait for a VM to hang, under a real systemd: all the restrictions that they put on it leave it its work."""

import os

import pytest
from rig import GEOMETRY, SLOW
from stuck_requests import submit

from vqitest.systemd import Systemd

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root: the unit is one of the system, and a mount namespace")

# A name of its own for each: tests run at the same time, and a manager ends what is in the control group of a unit.
VMS = {name: f"{name}-{os.getpid()}" for name in ("hangs", "works", "comes")}


def service(vm):
    return f"virtq-inspect@{vm}.service"


@pytest.fixture
def systemd():
    manager = Systemd([service(vm) for vm in VMS.values()])
    manager.add("virtq-inspect@.service")
    # Nothing is to last for a minute here.
    manager.add("virtq-inspect@.timer", OnBootSec=0, OnUnitInactiveSec="100ms", AccuracySec="1ms")
    with manager:
        yield manager


def hang(rig, vm):
    rig.add("-name", f"guest={vm}")
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    submit(rig, disk, 2)


def run(systemd, unit):
    """From its start to its end."""
    systemd.ctl("start", unit)
    while systemd.show(unit, "ActiveState") != "inactive":
        pass


def check_kept(rig, systemd, inspector, vm):
    """Report and recording are where the unit says, for root alone, and say the same."""
    folder = systemd.log / "virtq-inspect"
    report, recording = folder / f"{vm}.md", folder / f"{vm}.recording"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {report.name: 0o600, recording.name: 0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    text = report.read_text()
    assert text.startswith("## Verdict: request-stuck-in-device\n")
    assert "null_co_preadv" in text, "the back trace of a request"
    done = inspector.run(f"--replay={recording}")
    assert (done.returncode, done.stderr) == (1, "")
    assert "2 requests taken and not completed" in done.stdout
    rig.report(status=1)
    return report


def test_service(rig, systemd, inspector):
    vm, unit = VMS["hangs"], service(VMS["hangs"])
    hang(rig, vm)
    run(systemd, unit)
    assert [systemd.show(unit, name) for name in ("Result", "ExecMainStatus", "ActiveState")] == ["success", "1", "inactive"]
    report = check_kept(rig, systemd, inspector, vm)
    before = report.stat()
    run(systemd, unit)
    assert systemd.show(unit, "ConditionResult") == "no", "a report that nobody has taken away is left alone"
    assert report.stat() == before


def test_service_is_stopped(rig, systemd):
    """Nothing hangs: it waits until it is told not to."""
    unit = service(VMS["works"])
    rig.add("-name", f"guest={VMS['works']}")
    disk = rig.disk()
    disk.complete(10)
    systemd.ctl("start", unit)
    assert systemd.show(unit, "ActiveState") == "active"
    systemd.ctl("stop", unit)
    assert [systemd.show(unit, name) for name in ("Result", "ActiveState")] == ["success", "inactive"]
    assert list((systemd.log / "virtq-inspect").iterdir()) == []
    rig.check_well(disk.ring)


def test_timer(rig, systemd, inspector):
    """Before there is a VM, it looks for one again and again; then it waits for it to hang."""
    vm, unit, timer = VMS["comes"], service(VMS["comes"]), f"virtq-inspect@{VMS['comes']}.timer"
    systemd.ctl("start", timer)
    seen = set()
    while len(seen) < 3:
        seen.add(systemd.show(unit, "ExecMainPID"))
    assert systemd.show(unit, "Result") == "success"
    hang(rig, vm)
    report = systemd.log / "virtq-inspect" / f"{vm}.md"
    while not report.exists() or systemd.show(unit, "ActiveState") != "inactive":
        assert systemd.show(timer, "ActiveState") == "active"
    check_kept(rig, systemd, inspector, vm)
