"""virtq-inspect --watch, whose lines are read as they come."""

import queue
import re
import subprocess
import threading
import time

from .inspector import Report

TIMEOUT = 60


class Watch:
    def __init__(self, inspector, pid, *arguments, interval=0.1, **more):
        command = inspector.command("--pid", pid, f"--watch={interval}", *arguments)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, **pipes, text=True, env=inspector.env, **more)
        self._lines = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        # All that was read so far.
        self.lines = []

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._thread.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self, timeout=TIMEOUT):
        """The next line; None: it has closed its standard output."""
        line = self._lines.get(timeout=timeout)
        if line is not None:
            assert line.endswith("\n")
            self.lines.append(line.rstrip("\n"))
            return self.lines[-1]
        self._lines.put(None)
        return None

    def until(self, pattern, timeout=TIMEOUT):
        """The next line with this in it."""
        deadline = time.monotonic() + timeout
        while (line := self.line(deadline - time.monotonic())) is not None:
            if re.search(pattern, line):
                return line
        raise AssertionError(f"it ended, and no line has {pattern!r}:\n" + "\n".join(self.lines) + self.process.stderr.read())

    def head(self):
        """The first line: it has opened its target, and looked once."""
        return self.until(r"a look every .* nothing stopped$")

    def report(self):
        """The next document of --format=json."""
        return Report(self.line())

    def until_report(self, is_wanted):
        """The next document that is as wanted."""
        while True:
            report = self.report()
            if is_wanted(report):
                return report

    def end(self, status, timeout=TIMEOUT):
        """What it says on stderr when it has ended by itself, with this status."""
        while self.line(timeout) is not None:
            pass
        stderr = self.process.stderr.read()
        assert self.process.wait(timeout) == status, stderr
        return stderr

    def signal(self, number):
        self.process.send_signal(number)
