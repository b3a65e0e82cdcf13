# SPDX-License-Identifier: GPL-2.0-or-later
"""The screen of a watch on a terminal: what it shows at several sizes, what its keys do, and that the terminal is as before
after it, whatever it ended by."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from vqitest.terminal import Terminal  # noqa: E402 the path comes first

DRIVER = os.environ["VQI_SCREEN_DRIVER"]
SIZES = [(80, 24), (120, 40), (40, 10)]
TITLE = " DEVICE "


def golden(columns, rows):
    return (HERE / f"stuck-{columns}x{rows}.txt").read_text()


@pytest.fixture
def start():
    terminals = []

    def start(*words, **options):
        terminals.append(Terminal(DRIVER, *words, **options))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def wait_process_end(pid):
    """Also of one that is not our child."""
    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], 30)[0], f"{pid} still runs"
    finally:
        os.close(descriptor)


def wakeups(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise AssertionError("no such line")


# ---- what it shows


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_sizes(start, columns, rows):
    start("stuck", columns=columns, rows=rows).wait_screen(golden(columns, rows))


def test_resize_while_it_runs(start):
    terminal = start("stuck")
    terminal.wait_screen(golden(80, 24))
    for columns, rows in [(40, 10), (120, 40), (80, 24)]:
        terminal.resize(columns, rows)
        terminal.wait_screen(golden(columns, rows))


def test_tiny_sizes(start):
    terminal = start("stuck", "live")
    terminal.wait(TITLE)
    for columns, rows in [(20, 5), (10, 3), (3, 2), (2, 1), (1, 1), (200, 1), (1, 60)]:
        terminal.resize(columns, rows)
        terminal.press("v", "PageDown", "?", "Escape")
    terminal.resize(80, 24)
    terminal.wait(TITLE)
    terminal.press("q")
    assert terminal.wait_end() == 0


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "linux", "vt100", "vt220", "ansi"])
def test_terminals(start, term):
    terminal = start("stuck", "color", term=term)
    terminal.wait(">blk0        0 request    stuck")
    terminal.press("Down", "Enter")
    terminal.wait("net0 queue 1")
    terminal.press("q", "q")
    assert terminal.wait_end() == 0
    # Nothing of the screen is left between what is printed after.
    assert "DEVICE" not in terminal.text()
    terminal.check_restored()


def test_the_console_of_linux_has_no_blocks(start):
    terminal = start("stuck", term="linux")
    terminal.wait("###")
    assert "\u2588" not in terminal.text()


def test_a_locale_without_unicode(start):
    terminal = start("stuck", locale="C")
    terminal.wait("###")
    assert terminal.text().isascii()
    terminal.wait("x blk0 queue 0: 16 requests")


@pytest.mark.parametrize("term", ["dumb", "", "no-such-terminal"])
def test_terminals_that_will_not_do(start, term):
    terminal = start("stuck", term=term)
    assert terminal.wait_end() == 1
    assert "driver: error: " in terminal.text()
    assert "TERM" in terminal.text()
    terminal.check_restored()


def test_no_terminal(start, tmp_path):
    terminal = Terminal("sh", "-c", f"{DRIVER} stuck </dev/null; {DRIVER} stuck | cat")
    with terminal:
        assert terminal.wait_end() == 0
        assert terminal.text().count("driver: error: not a terminal") == 2


def test_colors(start):
    terminal = start("stuck", "color")
    terminal.wait(TITLE)
    assert "\033[1m\033[31m✗" in terminal.text(styles=True)
    assert "\033[32mbusy" in terminal.text(styles=True)


def test_no_colors(start):
    terminal = start("stuck")
    terminal.wait(TITLE)
    for color in range(8):
        assert f"\033[{30 + color}m" not in terminal.text(styles=True)
        assert f"\033[{40 + color}m" not in terminal.text(styles=True)
    # The state is a word, and there is a mark at what is selected.
    terminal.wait(">blk0        0 request    stuck")


def test_hostile_strings(start):
    terminal = start("hostile")
    terminal.wait(r"\x1b]0;pwned\x07")
    terminal.press("v", "Enter")
    terminal.wait("request tag ")
    assert "pwned" not in terminal.value("pane_title")
    terminal.press("q", "q")
    assert terminal.wait_end() == 0


# ---- keys


def test_keys(start):
    terminal = start("stuck")
    terminal.wait("by state")
    for word in ["name", "depth", "rate", "state"]:
        terminal.press("s")
        terminal.wait(f"by {word}")
    terminal.press("v")
    terminal.wait("idle too")
    terminal.press("End")
    terminal.wait(">net0        2")
    terminal.press("PageUp")
    terminal.wait_gone(">net0        2")
    terminal.press("Home", "j")
    terminal.wait(">net0        1")
    terminal.press("k")
    terminal.wait(">blk0        0")
    terminal.press("?")
    terminal.wait("Esc or q leads back")
    terminal.press("Escape")
    terminal.wait(">blk0        0")
    terminal.press("x", "q")
    assert terminal.wait_end() == 0


def test_filter(start):
    terminal = start("stuck")
    terminal.wait("by state")
    terminal.type("/serial")
    terminal.wait("/serial_")
    terminal.wait_gone("blk0        0")
    terminal.press("BSpace", "Enter")
    terminal.wait("only /seria")
    terminal.press("Escape")
    terminal.wait(">blk0        0")


def test_requests_of_a_queue(start):
    terminal = start("requests")
    terminal.wait(TITLE)
    terminal.press("Enter")
    terminal.wait("blk0 queue 0: 3 requests in flight")
    terminal.press("PageDown")
    terminal.wait("luring_co_submit")
    terminal.press("r", "R")
    terminal.wait("report written to web1.md")
    terminal.press("Escape")
    terminal.wait(TITLE)


def test_keys_in_one_go(start):
    """What is typed ahead is not lost with the first action."""
    terminal = start("requests")
    terminal.wait(TITLE)
    terminal.type("j\rqk\rqvR")
    terminal.wait("report written to web1.md")
    terminal.wait(">blk0        0")
    terminal.wait(" scsi0       0")


def test_hold(start):
    terminal = start("stuck", "live")
    terminal.wait(TITLE)
    terminal.press("Space")
    terminal.wait("HELD at ")
    held, before = terminal.text(), wakeups(terminal.pid)
    while wakeups(terminal.pid) < before + 10:
        pass
    assert terminal.text() == held
    terminal.press("Space")
    terminal.wait("every 1 s")
    terminal.press("q")
    terminal.wait_end()


def test_looks_go_on_in_a_text(start):
    terminal = start("requests", "live")
    terminal.wait(TITLE)
    terminal.press("Enter")
    terminal.wait("3 requests in flight")
    before = wakeups(terminal.pid)
    while wakeups(terminal.pid) < before + 5:
        pass
    assert "3 requests in flight" in terminal.text()
    terminal.press("Escape")
    terminal.wait(TITLE)


# ---- its end


def check_end(terminal, status, text):
    assert terminal.wait_end() == status
    assert text in terminal.text()
    assert "DEVICE" not in terminal.text()
    terminal.check_restored()


def test_quit(start):
    terminal = start("stuck", "color")
    terminal.wait(TITLE)
    terminal.press("q")
    check_end(terminal, 0, "driver: end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("words", [["stuck"], ["stuck", "live"]], ids=["waits", "looks"])
def test_signals(start, number, words):
    terminal = start(*words)
    terminal.wait(TITLE)
    os.kill(terminal.pid, number)
    check_end(terminal, 1, f"driver: signal {int(number)}")


def test_control_c(start):
    terminal = start("stuck")
    terminal.wait(TITLE)
    terminal.press("C-c")
    check_end(terminal, 1, "driver: signal 2")


@pytest.mark.parametrize("word", ["error", "gone"])
def test_errors(start, word):
    terminal = start("stuck", word)
    terminal.wait(TITLE)
    terminal.press("R")
    check_end(terminal, 1, "driver: error: ")


@pytest.mark.parametrize("term", ["xterm-256color", "linux"])
def test_abort(start, term):
    terminal = start("stuck", "color", "abort", term=term)
    terminal.wait(TITLE)
    terminal.press("R")
    check_end(terminal, 128 + signal.SIGABRT, "Aborted")


def test_crash(start):
    """By a signal that no sanitizer has a handler for."""
    terminal = start("stuck")
    terminal.wait(TITLE)
    os.kill(terminal.pid, signal.SIGQUIT)
    assert terminal.wait_end() == 128 + signal.SIGQUIT
    terminal.check_restored()


@pytest.mark.parametrize("words", [["stuck"], ["stuck", "live"]], ids=["waits", "looks"])
def test_the_terminal_goes(start, words):
    # A search for leaks that a hang-up interrupts does not end.
    terminal = start(*words, ASAN_OPTIONS="detect_leaks=0")
    terminal.wait(TITLE)
    pid = terminal.pid
    terminal.hang_up()
    wait_process_end(pid)


# ---- jobs


def check_shell(terminal):
    """The shell has a terminal as it needs it."""
    assert terminal.value("alternate_on") == "0"
    assert terminal.value("cursor_flag") == "1"
    terminal.type("echo $((6 * 7)); stty -a | grep -o ' icanon'\r")
    terminal.wait("42\n icanon")


def child_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_stop_and_go_on():
    with Terminal(f"{DRIVER} stuck live", shell=True) as terminal:
        for _ in range(2):
            terminal.wait(TITLE)
            modes = subprocess.check_output(["stty", "-a", "-F", terminal.value("pane_tty")], text=True)
            assert "isig" in modes.split() and "susp = ^Z" in modes
            os.kill(child_of(terminal.value("pane_pid")), signal.SIGTSTP)
            terminal.wait("Stopped")
            check_shell(terminal)
            terminal.type("clear; fg\r")
        terminal.wait(TITLE)
        terminal.resize(40, 10)
        terminal.wait("? help")
        terminal.press("q")
        terminal.wait("driver: end")
        check_shell(terminal)


def test_what_was_printed_meanwhile_stays():
    """After the screen the shell goes on below what it printed while this was stopped."""
    with Terminal(f"{DRIVER} stuck live", shell=True) as terminal:
        terminal.wait(TITLE)
        os.kill(child_of(terminal.value("pane_pid")), signal.SIGTSTP)
        terminal.wait("Stopped")
        terminal.type("for i in 1 2 3 4 5; do echo line-$i; done\r")
        terminal.wait("line-5\nready>")
        terminal.type("fg\r")
        terminal.wait(TITLE)
        terminal.press("q")
        terminal.wait("driver: end\nready>")
        lines = terminal.screen()
        printed = lines.index("line-1")
        assert lines[printed : printed + 5] == [f"line-{i}" for i in range(1, 6)]
        assert lines.index("driver: end") > printed + 5


def test_stopped_by_another(start):
    """SIGSTOP cannot be served; what was done to the terminal meanwhile does not matter after."""
    terminal = start("stuck")
    terminal.wait_screen(golden(80, 24))
    os.kill(terminal.pid, signal.SIGSTOP)
    Path(terminal.value("pane_tty")).write_text("\033[H\033[2Jnoise")
    terminal.wait("noise")
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.wait_screen(golden(80, 24))
