"""Fixtures of the end-to-end tests: machines that end with the test, and the program under test, which must not harm them."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from rig import KINDS, Rig  # noqa: E402 the path comes first
from vqitest import Qemu, do_no_harm  # noqa: E402
from vqitest.guest import ROOT  # noqa: E402
from vqitest.inspector import Inspector, program  # noqa: E402


class Machines:
    """The QEMUs of one test, and whether they are as well as they should be."""

    def __init__(self):
        self._running = []
        self._given_up = []

    def start(self, *arguments, kind=Qemu, **more):
        machine = kind(*arguments, **more)
        machine.__enter__()
        return self.keep(machine)

    def keep(self, machine):
        self._running.append(machine)
        return machine

    def forget(self, machine):
        """The test ends it or breaks it itself."""
        self._running.remove(machine)
        return machine

    def give_up(self, machine):
        """It does not answer any more, which is what the test is about. It must still be left unharmed."""
        self._given_up.append(machine)

    def do_no_harm(self):
        for machine in self._running:
            do_no_harm(machine.pid)

    def check_progress(self):
        """The main loop answers; so do the guest and the test's own register accesses, where there are any."""
        for machine in self._running:
            if machine in self._given_up or machine.qmp is None:
                continue
            state = machine.qmp.execute("query-status")["status"]
            if getattr(machine, "qtest", None):
                machine.qtest.read(0, 1)
            if getattr(machine, "guest", None) and state == "running":
                machine.guest.check("true")

    def end(self):
        running, self._running = self._running, []
        for machine in reversed(running):
            machine.__exit__(None, None, None)


class HarmlessInspector(Inspector):
    """Looks after every run whether the machines are unharmed."""

    machines = None

    def run(self, *arguments, **more):
        done = super().run(*arguments, **more)
        if self.machines:
            self.machines.do_no_harm()
        return done


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Let fixtures know whether the test failed."""
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


@pytest.fixture
def machines(request):
    found = Machines()
    try:
        yield found
        # After a failure there is already something better to report.
        if not getattr(request.node, "failed", False):
            found.do_no_harm()
            found.check_progress()
    finally:
        found.end()


@pytest.fixture(scope="session")
def session_inspector():
    inspector = HarmlessInspector()
    yield inspector
    inspector.close()


@pytest.fixture
def inspector(session_inspector, machines):
    assert program().exists(), f"there is no {program()}: build it, or set VIRTQ_INSPECT"
    session_inspector.machines = machines
    yield session_inspector
    session_inspector.machines = None


@pytest.fixture
def rig(request, machines):
    """A QEMU under qtest which the test assembles. Of the kind that the test is marked with, or is given as a parameter."""
    kind = getattr(request, "param", "pci-split")

    def get_inspector():
        return request.getfixturevalue("inspector")

    return Rig(machines, get_inspector, KINDS[kind])


@pytest.fixture(scope="module")
def few():
    """It comes with the profiles of 5.2, 10.0 and 10.2 only."""
    inspector = Inspector(Path(os.environ.get("VIRTQ_INSPECT_FEW") or ROOT / "build/few/virtq-inspect").absolute())
    yield inspector
    inspector.close()
