"""--all and --name: the QEMUs of a host, found, inspected at the same time, and told in order."""

import os
import select
import shutil
import signal
import subprocess
from pathlib import Path

import odd_qemus
import pytest
from hosts import RNG, STUCK, hang, host, inner_pids, inspect, only_child, start, start_unknown  # noqa: F401 fixtures

from vqitest.inspector import SLEEPS_BETWEEN_THE_LOOKS, Report

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root for a pid namespace")

BALLOON = ["-device", "virtio-balloon-pci,id=balloon0"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture
def reports(inspect):
    """The JSON reports, one a line."""

    def reports(*arguments, **more):
        stdout, stderr = inspect("--all", "--format=json", *arguments, **more)
        assert stderr == ""
        return [Report(line) for line in stdout.splitlines()]

    return reports


def names(found):
    return [report.target["vm_name"] for report in found]


def rows(text):
    """{name: words of the line} of the table."""
    table = text.split("\n\n")[1].splitlines()
    assert table[0].split() == ["VM", "PID", "QEMU", "STATE", "DEVICES", "QUEUES", "FOUND"]
    return {line.split()[0]: line.split() for line in table[1:]}


def test_nothing_there(inspect):
    assert inspect("--all") == ("no QEMU runs on this host\n", "")
    assert inspect("--all", "--format=json") == ("", "")
    assert inspect("--all", "--quiet") == ("", "")


def test_healthy(start, inspect, reports):
    """Not in the order in which they were started, and two of one name."""
    vms = [start(name=name) for name in ("web2", "guest=web1,debug-threads=on", "b", "web2")]
    found = reports()
    assert names(found) == ["b", "web1", "web2", "web2"]
    assert [report.target["pid"] for report in found] == [vms[i].inner for i in (2, 1, 0, 3)]
    for report in found:
        report.assert_healthy()
        assert report.json["exit_status"] == 0
    stdout, stderr = inspect("-a")
    assert stderr == ""
    assert stdout.startswith("4 VMs, 4 with nothing found\n\n")
    assert rows(stdout)["web1"][1:] == [str(vms[1].inner), rows(stdout)["b"][2], "running", "1", "1", "nothing", "is", "stuck"]
    assert len(stdout.splitlines()) == 7, "what is well has one line"
    verbose, _ = inspect("-av")
    assert [line.split()[0] for line in verbose.splitlines() if " two looks " in line] == ["b", "web1", "web2", "web2"]


def test_each_has_its_own_trouble(start, inspect, reports, machines, tmp_path):
    """Of one build and of another, of another user, in a container, stuck, and stopped."""
    (tmp_path / "mount").mkdir()
    start(*BALLOON, name="stripped", executable=odd_qemus.strip(tmp_path / "qemu-kvm", "--strip-debug"))
    start("-runas", "nobody", *RNG, name="other-user")
    start(name="contained", prefix=odd_qemus.container(tmp_path / "mount"), depth=2)
    start(name="well")
    stuck = start(*STUCK, name="stuck", memory="64")
    hang(stuck)
    stopped = machines.forget(start(name="stopped"))
    os.kill(stopped.pid, signal.SIGSTOP)
    try:
        found = {report.target["vm_name"]: report for report in reports(status=1)}
        stdout, stderr = inspect("--all", status=1)
    finally:
        stopped.__exit__(None, None, None)
    assert list(found) == ["contained", "other-user", "stopped", "stripped", "stuck", "well"]
    for name in ("contained", "other-user", "stripped", "well"):
        found[name].assert_healthy()
    found["stuck"].only_finding("request-stuck-in-device", "blk0", 0)
    assert [finding["id"] for finding in found["stopped"].findings] == ["vm-paused"]
    assert stderr == ""
    assert "6 VMs, 1 with an error, 1 with less than an error, 4 with nothing found" in stdout
    assert rows(stdout)["stuck"][6:] == ["✗", "blk0", "queue", "0:", "request-stuck-in-device"]
    assert rows(stdout)["stopped"][3:5] == ["process", "stopped"]
    pages = [line.split()[0] for line in stdout.splitlines() if " two looks " in line]
    assert pages == ["stopped", "stuck"], "what is well has no page"


@pytest.mark.parametrize("source", ["dwarf", "profile"])
def test_twins_share_a_layout(host, machines, reports, source):
    """What is found out once is as good as what each finds out: devices of one and of the other."""
    is_stock = source == "profile"  # it looks for its modules beside itself, and has no qtest
    executable = odd_qemus.STOCK if is_stock else odd_qemus.original()
    env = {"QEMU_MODULE_DIR": str(odd_qemus.STOCK_MODULES)} if is_stock else {}
    for name, devices in (("a", RNG), ("b", BALLOON), ("c", RNG)):
        more = {"executable": executable, "memory": "16", "env": env}
        machines.start("-S", "-name", name, *devices, kind=host.qemu, **more)
    found = reports("--no-cache", "--once")
    assert names(found) == ["a", "b", "c"]
    assert [[report.label(device) for device in report.devices] for report in found] == [["rng0"], ["balloon0"], ["rng0"]]
    for report in found:
        assert report.target["layout_source"] == source
        assert report.json["gaps"] == []


def test_who_only_talks_of_qemus(host, start, inspect, reports):
    """Debuggers, shells and what has QEMU in its name are none."""
    vm = start(name="real")
    words = [str(odd_qemus.original()), "-name", "false", "-device", "virtio-rng-pci"]
    others = [
        host.start("sh", "-c", "echo ready; cat", *words),
        host.start("gdb", "-nx", "-q", "-ex", "echo ready\\n", "--args", *words),
    ]
    try:
        for other in others:
            while b"ready" not in other.stdout.readline():
                assert other.poll() is None
        (report,) = reports()
        report.assert_healthy()
        assert report.target["pid"] == vm.inner
        stdout, stderr = inspect("--name=false", status=3)
        assert stdout == "" and stderr.endswith("no VM is named 'false'; there are: real\n")
    finally:
        for other in others:
            other.communicate(timeout=30)


def test_under_a_debugger(host, start, reports, machines):
    vm = machines.forget(start(name="traced"))
    start(name="well")
    gdb = host.start("gdb", "-nx", "-q", "-p", str(vm.inner), "-ex", "echo ready\\n", stderr=subprocess.DEVNULL)
    try:
        while not gdb.stdout.readline().endswith(b"ready\n"):
            assert gdb.poll() is None
        traced, well = reports()
        assert names([traced, well]) == ["traced", "well"]
        assert [finding["id"] for finding in traced.findings] == ["vm-paused"]
        well.assert_healthy()
    finally:
        gdb.communicate(timeout=60)  # the end of its input lets the VM go
        vm.__exit__(None, None, None)


class Run:
    """An inspection of all that can be caught between its looks."""

    def __init__(self, host, inspector, *arguments):
        self.process = subprocess.Popen(
            [*host.prefix, *inspector.command("--all", "--interval=5", *arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=inspector.env,
        )

    @property
    def pid(self):
        return only_child(self.process.pid)

    def children(self):
        return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def wait_asleep(self, count):
        """Until so many targets are between their looks; the children that look at them. There is nothing to wait on."""
        asleep = []
        while len(asleep) < count:
            assert self.process.poll() is None, self.process.communicate()
            try:
                asleep = [
                    child
                    for child in self.children()
                    if Path(f"/proc/{child}/syscall").read_text().startswith(SLEEPS_BETWEEN_THE_LOOKS)
                ]
            except (ValueError, FileNotFoundError, ProcessLookupError):
                pass  # one has not begun, or is over
        return asleep

    def end(self):
        stdout, stderr = self.process.communicate(timeout=60)
        return self.process.returncode, stdout, stderr


def test_one_ends_meanwhile(host, start, inspector, machines):
    ends = machines.forget(start(name="ends"))
    start(name="well")
    run = Run(host, inspector, "--format=json")
    run.wait_asleep(2)
    pid = ends.inner
    os.kill(ends.pid, signal.SIGKILL)
    status, stdout, stderr = run.end()
    ends.__exit__(None, None, None)
    assert status == 3
    assert names([Report(line) for line in stdout.splitlines()]) == ["well"]
    assert stderr == f"virtq-inspect: ends (pid {pid}): process {pid} ended while it was inspected\n"


def test_one_inspection_crashes(host, start, inspector):
    start(name="a")
    start(name="b")
    run = Run(host, inspector)
    crashes = run.wait_asleep(2)[0]
    os.kill(crashes, signal.SIGKILL)
    status, stdout, stderr = run.end()
    assert status == 3
    assert stderr.startswith("virtq-inspect: a (pid ")
    assert stderr.endswith("the inspection ended with signal 9, Killed\n")
    assert stdout.startswith("1 VM, 1 with nothing found; 1 more could not be inspected\n")
    assert list(rows(stdout)) == ["b"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_is_ended(host, start, inspector, number):
    """Nothing of it goes on, whoever ends it."""
    start(name="a")
    start(name="b")
    run = Run(host, inspector)
    children = [os.pidfd_open(child) for child in run.wait_asleep(2)]
    os.kill(run.pid, number)
    assert run.end()[1:] == ("", "")
    for child in children:
        assert select.select([child], [], [], 30)[0], "a child goes on"
        os.close(child)


def test_no_permission(start, inspect, inspector, tmp_path):
    """Each is told, the advice once; who merely may be one is not."""
    start(name="web1")
    start(name="web2")
    copy = tmp_path / "virtq-inspect"
    shutil.copy(inspector.path, copy)
    for path in (copy, tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and str(path) not in ("/", "/tmp"):
            path.chmod(0o755)
    path, inspector.path = inspector.path, copy
    try:
        for arguments in ([], ["--format=json"], ["--quiet"]):
            stdout, stderr = inspect("--all", *arguments, prefix=NOBODY, status=3)
            lines = stderr.splitlines()
            assert stdout == ""
            assert [line.partition(" (pid ")[0] for line in lines[:2]] == ["virtq-inspect: web1", "virtq-inspect: web2"]
            assert all("no access to process" in line for line in lines[:2])
            assert len(lines) == 3 and "CAP_SYS_PTRACE" in lines[2]
        stdout, stderr = inspect("--name=web2", prefix=NOBODY, status=3)
        assert stdout == "" and "no access to process" in stderr
    finally:
        inspector.path = path


def test_storage_daemon(host, start, inspect, reports):
    """Beside the VMs, whose disks it may have; it has no name."""
    with host.storage_daemon() as daemon:
        assert inspect("--all")[0].startswith("1 storage daemon, 1 with nothing found\n")
        start(name="web1")
        assert inspect("--all")[0].startswith("1 VM and 1 storage daemon, 2 with nothing found\n")
        found = {report.target["kind"]: report.target for report in reports()}
        assert (found["qemu"]["vm_name"], found["storage-daemon"]["vm_name"]) == ("web1", None)
        assert found["storage-daemon"]["pid"] == inner_pids(daemon.pid)[1]


def test_one_that_is_unknown(start, inspect, tmp_path):
    """It does not hide the others."""
    unknown = start_unknown(start, tmp_path)
    stdout, stderr = inspect("--all", status=3)
    assert stdout == ""
    assert stderr.startswith(f"virtq-inspect: dark (pid {unknown.inner}): ")
    assert "no layout profile fits: there is none of QEMU 1.0.1" in stderr
    start(name="web1")
    stdout, stderr = inspect("--all", status=3)
    assert stdout.startswith("1 VM, 1 with nothing found; 1 more could not be inspected\n")
    assert "no layout profile fits" in stderr
    assert inspect("--all", "--format=json", status=3)[0].count("\n") == 1


def test_devices_and_queues(start, inspect, reports):
    """One that has what is chosen is enough."""
    start(*RNG, name="a")
    start(*RNG, *BALLOON, name="b")

    def chosen(*arguments):
        return [(report.target["vm_name"], [report.label(device) for device in report.devices]) for report in reports(*arguments)]

    assert chosen("--device=rng0") == [("a", ["rng0"]), ("b", ["rng0"])]
    assert chosen("--device=balloon0") == [("b", ["balloon0"])]
    assert chosen("--device=balloon0", "--device=rng0") == [("a", ["rng0"]), ("b", ["balloon0", "rng0"])]
    assert chosen("--queue=1") == [("b", ["balloon0"])]
    stdout, stderr = inspect("--all", "--device=blk0", status=2)
    assert stdout == ""
    assert stderr.startswith("virtq-inspect: no VM has what was chosen; a (pid ")
    assert "'blk0' matches nothing; there are: rng0" in stderr
    assert stderr.count("\n") == 1


def test_names(start, inspect):
    one = start(name="web1")
    start(name="guest=web,,2,debug-threads=on")
    twins = [start(name="twin"), start("-name", "guest=other", *RNG, "-name", "twin")]

    def fails(name):
        stdout, stderr = inspect("--name", name, status=3)
        assert stdout == ""
        return stderr

    stdout, _ = inspect("--name=web1")
    assert stdout.startswith(f"web1  pid {one.inner}  ")
    assert inspect("-n", "web,2", "--once")[0].startswith("web,2  pid ")
    assert "OK" in inspect("-n", "web1", "--check")[0]
    pids = ", ".join(str(vm.inner) for vm in twins)
    assert fails("twin") == f"virtq-inspect: 2 VMs are named 'twin', choose one with --pid: {pids}\n"
    for name in ("WEB1", "web", "web1 ", "other", "guest=web1"):
        assert fails(name) == f"virtq-inspect: no VM is named '{name}'; there are: twin, twin, web,2, web1\n"


def test_no_names(start, inspect):
    start()
    _, stderr = inspect("--name=web1", status=3)
    assert stderr == "virtq-inspect: no VM is named 'web1'; there is none that has a name\n"
    assert list(rows(inspect("--all")[0])) == ["qemu-system-x86_64"]


def test_a_hundred(start, inspect, reports):
    """More than are inspected at the same time, were it fewer; each of them is told once, in order."""
    vms = {f"vm{number:03}": start(name=f"vm{number:03}") for number in range(100)}
    found = reports()
    assert names(found) == sorted(vms)
    for report in found:
        report.assert_healthy()
        assert report.target["pid"] == vms[report.target["vm_name"]].inner
    stdout, stderr = inspect("--all")
    assert stderr == ""
    assert list(rows(stdout)) == sorted(vms)
