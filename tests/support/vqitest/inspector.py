"""Runs virtq-inspect and reads what it says."""

import functools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from .guest import ROOT

SCHEMA = ROOT / "data/virtq-inspect.schema.json"


def program():
    """The virtq-inspect under test: $VIRTQ_INSPECT, or that of the release build."""
    return Path(os.environ.get("VIRTQ_INSPECT") or ROOT / "build/release/virtq-inspect").absolute()


@functools.lru_cache(maxsize=None)
def _validator():
    import jsonschema

    schema = json.loads(SCHEMA.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


ANY = object()

# clock_nanosleep() of the monotonic clock, in /proc/PID/syscall; shorter sleeps are of another clock.
SLEEPS_BETWEEN_THE_LOOKS = "230 0x1 "


def check_evidence(finding, *patterns):
    """Each of these is in one of the lines that the finding gives as evidence."""
    for pattern in patterns:
        found = [line for line in finding["evidence"] if re.search(pattern, line)]
        assert found, "\n".join([f"no {pattern!r} in the evidence of {finding['id']}:", *finding["evidence"]])


class Report:
    """One JSON document."""

    def __init__(self, text, status=None):
        self.text = text
        self.json = json.loads(text)
        _validator().validate(self.json)
        assert self.json["schema"] == "virtq-inspect/1"
        if status is not None:
            assert self.json["exit_status"] == status
        self._check_consistency()

    def _check_consistency(self):
        """What must be true of any report."""
        names = [self.label(device) for device in self.json["devices"]]
        assert len(set(names)) == len(names), "two devices of one name"
        gaps = [json.dumps(gap) for gap in self.json["gaps"]]
        assert len(set(gaps)) == len(gaps), "a gap is told twice"
        for finding in self.findings:
            assert finding["summary"] and "\n" not in finding["summary"]
            assert finding["evidence"], f"{finding['id']} comes without evidence"
            if finding["device"] is not None:
                device = self.device(finding["device"])
                if finding["queue"] is not None:
                    assert finding["queue"] in [queue["index"] for queue in device["queues"]]
        indices = [[queue["index"] for queue in device["queues"]] for device in self.json["devices"]]
        assert indices == [sorted(set(numbers)) for numbers in indices]

    @staticmethod
    def label(device):
        return device["id"] or device["qom_path"]

    @property
    def findings(self):
        return self.json["findings"]

    @property
    def target(self):
        return self.json["target"]

    @property
    def capture(self):
        return self.json["capture"]

    @property
    def devices(self):
        return self.json["devices"]

    def device(self, label):
        found = [device for device in self.devices if self.label(device) == label]
        assert found, f"no {label} among {[self.label(device) for device in self.devices]}"
        return found[0]

    def queue(self, label, index):
        return next(queue for queue in self.device(label)["queues"] if queue["index"] == index)

    def states(self):
        """{(device, queue): state}"""
        return {
            (self.label(device), queue["index"]): queue["state"] for device in self.devices for queue in device["queues"]
        }

    def assert_healthy(self):
        """No error, no warning, no note, and nothing that could not be read."""
        assert self.findings == []
        assert self.json["gaps"] == []
        assert "stuck" not in self.states().values(), "a queue is called stuck without a finding"

    def only_finding(self, rule, device=None, queue=None, severity="error", confidence="confirmed"):
        """The one finding there is, after it was checked that it is this and no other."""
        assert [finding["id"] for finding in self.findings] == [rule]
        assert self.json["gaps"] == []
        (finding,) = self.findings
        assert finding["severity"] == severity
        assert confidence is ANY or finding["confidence"] == confidence
        assert finding["device"] == device
        assert queue is ANY or finding["queue"] == queue
        return finding


class Inspector:
    def __init__(self, path=None):
        self.path = path or program()
        self._cache = tempfile.TemporaryDirectory(prefix="vqitest-cache-")
        # The results must not depend on what is in somebody's home or on this machine, nor on the network.
        variables = ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS")
        folders = {variable: f"{self._cache.name}/{variable}" for variable in variables}
        self.env = {**os.environ, **folders, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        self.env.pop("DEBUGINFOD_URLS", None)

    def close(self):
        self._cache.cleanup()

    def command(self, *arguments):
        return [str(self.path), *(str(argument) for argument in arguments)]

    def run(self, *arguments, timeout=60, prefix=(), env=None, **more):
        return subprocess.run(
            [*prefix, *self.command(*arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout,
            env={**self.env, **(env or {})},
            **more,
        )

    def between_the_looks(self, *arguments, do):
        """What an inspection says between whose looks something was done: (status, stdout, stderr)."""
        run = subprocess.Popen(
            self.command(*arguments, "--interval=5"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
        )
        with run:
            while not Path(f"/proc/{run.pid}/syscall").read_text().startswith(SLEEPS_BETWEEN_THE_LOOKS):
                assert run.poll() is None, run.communicate()
            do()
            stdout, stderr = run.communicate(timeout=60)
        return run.returncode, stdout, stderr

    def report(self, pid, *arguments, status=0, **more):
        """The JSON report, after a run that must end with that status (None: any that reports)."""
        done = self.run("--pid", pid, "--format=json", *arguments, **more)
        expected = (0, 1, 4) if status is None else (status,)
        assert done.returncode in expected, f"status {done.returncode}\n{done.stderr}\n{done.stdout}"
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert len(lines) >= 1 and done.stdout.endswith("\n")
        return Report(done.stdout, done.returncode)

    def text(self, pid, *arguments, status=0, **more):
        done = self.run("--pid", pid, *arguments, **more)
        assert done.returncode == status, f"status {done.returncode}\n{done.stderr}\n{done.stdout}"
        assert done.stderr == ""
        return done.stdout

    def fails(self, *arguments, status, **more):
        """What it says on stderr when it must not succeed: the error in the first line, advice in others."""
        done = self.run(*arguments, **more)
        assert done.returncode == status, f"status {done.returncode}\n{done.stderr}\n{done.stdout}"
        assert done.stdout == "", "an error goes with nothing on stdout"
        lines = done.stderr.splitlines()
        assert lines, "it failed without a word"
        assert lines[0].startswith("virtq-inspect: "), lines[0]
        assert len(lines[0]) > len("virtq-inspect: ")
        assert not any(word in done.stderr for word in ("Sanitizer", "Assertion", "core dumped")), done.stderr
        return done.stderr
