"""--watch on a terminal: the screen, of a real QEMU."""

import re
import signal

import pytest
from rig import GEOMETRY, SLOW, on_split
from stuck_requests import submit

from vqitest.terminal import Terminal


@pytest.fixture
def watch(rig, inspector, tmp_path):
    terminals = []

    def start(*arguments, **options):
        command = inspector.command("--pid", rig.vm.pid, "--watch=0.1", *arguments)
        environment = {name: inspector.env[name] for name in ("HOME", "XDG_CACHE_HOME") if name in inspector.env}
        terminals.append(Terminal("sh", "-c", 'cd "$0" && exec "$@"', tmp_path, *command, **environment, **options))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@on_split
def test_a_stuck_request(rig, watch, tmp_path):
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    terminal = watch()
    terminal.wait("nothing is stuck")
    submit(rig, disk, 3)
    terminal.wait("✗ blk0 queue 0: 3 requests taken and not completed")
    row = next(line for line in terminal.screen() if line.startswith(">blk0 "))
    assert re.match(r">blk0 +0 request +stuck +\d+s +3 +\d+s +0 +0 +(0|-) ", row), row
    terminal.press("Enter")
    terminal.wait("blk0 queue 0: 3 requests in flight")
    terminal.press("PageDown")
    terminal.press("q")
    terminal.wait(" DEVICE ")
    terminal.press("R")
    terminal.wait("written to ")
    (report,) = tmp_path.glob("*.md")
    assert report.read_text().startswith("## Verdict: request-stuck-in-device\n")
    terminal.press("q")
    assert terminal.wait_end() == 1
    terminal.check_restored()


@on_split
def test_rates(rig, watch):
    disk = rig.disk()
    terminal = watch("--color=always")
    terminal.wait("nothing is stuck")
    disk.complete(50)
    terminal.until(lambda: re.search(r">blk0 +0 request +idle +\d+s +0 +- +[1-9]\d* +[1-9]\d* ", terminal.text()), "rates")
    terminal.press("C-c")
    assert terminal.wait_end() == 0
    terminal.check_restored()


@on_split
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals(rig, watch, number):
    rig.disk()
    terminal = watch()
    terminal.wait("nothing is stuck")
    terminal.kill(number)
    assert terminal.wait_end() == 0
    terminal.check_restored()


@on_split
def test_the_target_ends(rig, machines, watch):
    rig.disk()
    terminal = watch()
    terminal.wait("nothing is stuck")
    machines.forget(rig.vm)
    rig.vm.process.kill()
    rig.vm.process.wait()
    terminal.wait_end()
    assert f"process {rig.vm.pid} has ended" in terminal.text()
    terminal.check_restored()


@on_split
def test_a_terminal_that_cannot_place_its_cursor(rig, watch):
    """It gets lines."""
    rig.disk()
    terminal = watch("--count=3", term="dumb")
    assert terminal.wait_end() == 0
    assert "DEVICE" not in terminal.text()
    assert f"pid {rig.vm.pid}" in terminal.text()
    terminal.check_restored()
