"""A terminal that a program runs on: a pane of tmux, which nobody looks at but the test."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# What runs the program: the modes of the terminal before and after are kept, and its status is said. It stays when the program
# has ended, so that what that left on the terminal can be looked at.
_SCRIPT = """
trap : INT QUIT
stty -a >"$0/before"
sh -c 'echo $$ >"$0/pid"; exec "$@"' "$0" "$@"
echo "ended with $?"
stty -a >"$0/after"
echo "at rest"
exec cat
"""


class Terminal:
    def __init__(self, *command, columns=80, rows=24, term="xterm-256color", locale="C.UTF-8", shell=False, **environment):
        """shell: the command is one line for an interactive shell, which controls jobs."""
        self._folder = tempfile.TemporaryDirectory(prefix="terminal")
        self.folder = Path(self._folder.name)
        variables = {"TZ": "UTC", "LC_ALL": locale, "TERM": term, **environment}
        arguments = ["env", "-u", "TMUX", *(f"{name}={value}" for name, value in variables.items())]
        if shell:
            arguments += ["PS1=ready> ", "bash", "--norc", "-i"]
        else:
            arguments += ["sh", "-c", _SCRIPT, str(self.folder), *map(str, command)]
        # Where the pane's program cannot be started, tmux says so only on the pane.
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, *arguments)
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("resize-window", "-x", columns, "-y", rows)
        if shell:
            self.wait("ready>")
            self.type(command[0])
            self.press("Enter")

    def _tmux(self, *arguments):
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["tmux", "-S", str(self.folder / "tmux"), *map(str, arguments)], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the program, whatever it does, and the terminal."""
        if not self._folder:
            return
        path = self.folder / "pid"
        if path.exists() and not (self.folder / "after").exists():
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(path.read_text()), signal.SIGKILL)
                self.wait("at rest")
        self.hang_up()

    def hang_up(self):
        """The terminal goes away; what runs on it gets a SIGHUP."""
        self._tmux("kill-server")
        self._folder.cleanup()
        self._folder = None

    @property
    def pid(self):
        """Of the program, once it has started."""
        path = self.folder / "pid"
        self.until(lambda: path.exists() and path.read_text().endswith("\n"), "the program has started")
        return int(path.read_text())

    def kill(self, number):
        os.kill(self.pid, number)

    def screen(self, styles=False):
        """What is on it: lines without the spaces at their ends."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p", *(["-e"] if styles else [])).split("\n")[:-1]]

    def text(self, styles=False):
        return "\n".join(self.screen(styles)).rstrip("\n") + "\n"

    def value(self, name):
        """A variable of the pane, "alternate_on"; see tmux(1)."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").rstrip("\n")

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, *keys):
        """By tmux's names: "Enter", "C-c", "PageDown"."""
        self._tmux("send-keys", *keys)

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", columns, "-y", rows)

    def until(self, condition, what, timeout=30):
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"not within {timeout} s: {what}; the screen:\n{self.text()}"

    def wait(self, text):
        """Until a text is on it."""
        self.until(lambda: text in self.text(), repr(text))

    def wait_gone(self, text):
        self.until(lambda: text not in self.text(), f"{text!r} is gone")

    def wait_screen(self, wanted):
        """Until all that is on it is this."""
        end = time.monotonic() + 30
        while self.text() != wanted and time.monotonic() < end:
            pass
        assert self.text() == wanted

    def wait_end(self):
        """Until the program has ended; its status as a shell says it."""
        self.wait("at rest")
        found = [line for line in self.screen() if line.startswith("ended with ")]
        return int(found[-1].split()[-1])

    def check_restored(self):
        """The program has left the terminal as it was."""
        assert (self.folder / "before").read_text() == (self.folder / "after").read_text()
        assert self.value("alternate_on") == "0"
        assert self.value("cursor_flag") == "1"
        assert self.value("keypad_flag") == "0"
        assert self.value("keypad_cursor_flag") == "0"
