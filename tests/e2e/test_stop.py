"""Stopping threads: when, for how long, and that they always run again, whatever becomes of the program."""

import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from vqitest.harm import do_no_harm, threads
from vqitest.inspector import Report, check_evidence

NULL = "driver=null-co,size=1073741824,read-zeroes=on"
DISKS = ["-object", "iothread,id=io0", "-blockdev", f"node-name=d0,{NULL}", "-blockdev", f"node-name=d1,{NULL}"]
DISKS += ["-device", "virtio-blk-pci,id=blk0,drive=d0", "-device", "virtio-blk-pci,id=blk1,drive=d1,iothread=io0"]


@pytest.fixture
def vm(machines):
    return machines.start(*DISKS, qtest=True)


@pytest.fixture
def busy(machines):
    """A guest with a disk that works without end."""
    machine = machines.start(*DISKS, guest=True)
    machine.guest.wait_ready()
    for disk in ("vda", "vdb"):
        machine.guest.spawn(f"while :; do dd if=/dev/{disk} of=/dev/null bs=64k count=64 iflag=direct; done")
    return machine


@pytest.mark.parametrize("once", [True, False], ids=["once", "twice"])
@pytest.mark.parametrize("stop", ["auto", "never", None])
def test_nothing_is_stopped(vm, inspector, stop, once):
    """An idle VM needs no stop."""
    arguments = [f"--stop={stop}"] if stop else []
    arguments += ["--once"] if once else []
    capture = inspector.report(vm.pid, *arguments).capture
    assert (capture["stopped_threads"], capture["stopped_us"]) == (0, 0)
    assert capture["consistent"] is True


def test_never_means_never(busy, inspector):
    for _ in range(10):
        report = inspector.report(busy.pid, "--stop=never", "--interval", "0.02", status=None)
        assert (report.capture["stopped_threads"], report.capture["stopped_us"]) == (0, 0)


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_never_does_not_even_attach(busy, inspector, tmp_path):
    log = tmp_path / "log"
    prefix = ["strace", "-f", "-o", str(log), "-e", "trace=ptrace,kill,tkill,tgkill,process_vm_writev"]
    inspector.report(busy.pid, "--stop=never", status=None, prefix=prefix)
    inspector.report(busy.pid, "--stop=never", "--once", status=None, prefix=prefix)
    assert not re.search(r"(ptrace|kill|process_vm_writev)\(", log.read_text())


@pytest.mark.parametrize("once", [True, False], ids=["once", "twice"])
def test_always(vm, inspector, once):
    report = inspector.report(vm.pid, "--stop=always", *(["--once"] if once else []))
    report.assert_healthy()
    assert report.capture["stopped_threads"] == len(threads(vm.pid))
    assert 0 < report.capture["stopped_us"] < 1_000_000
    assert report.capture["stopped_us"] <= report.capture["duration_us"]


def test_always_of_a_busy_guest(busy, inspector):
    for _ in range(5):
        report = inspector.report(busy.pid, "--stop=always", "--interval", "0.05")
        report.assert_healthy()
        assert report.capture["consistent"] is True
        assert report.capture["stopped_threads"] > 0


def strace(*injection):
    return ["strace", "-f", "-o", "/dev/null", "-e", "trace=ptrace", "-e", "inject=ptrace:" + ":".join(injection)]


def count_ptrace(inspector, pid, log):
    """How many ptrace calls a run makes."""
    prefix = ["strace", "-f", "-o", str(log), "-e", "trace=ptrace"]
    inspector.report(pid, "--stop=always", "--once", prefix=prefix)
    return len(re.findall(r"ptrace\(PTRACE", log.read_text()))


def used(vm):
    path = "/machine/peripheral/blk0/virtio-backend"
    status = [vm.qmp.execute("x-query-virtio-queue-status", path=path, queue=queue) for queue in (0, 1)]
    return [queue["used-idx"] for queue in status]


def wait_progress(vm):
    before = used(vm)
    for _ in range(1000):
        if used(vm) != before:
            return
        vm.guest.check("usleep 10000")
    pytest.fail("the guest's disk does not move any more")


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_kill_at_every_step(busy, inspector, tmp_path):
    """Killed outright before each of its ptrace calls: with no thread stopped, some, all, and some again."""
    calls = count_ptrace(inspector, busy.pid, tmp_path / "log")
    assert calls >= 2 * len(threads(busy.pid)), "seizing and interrupting"
    for step in range(1, calls + 1):
        done = inspector.run(
            "--pid", busy.pid, "--stop=always", "--once", prefix=strace("signal=KILL", f"when={step}")
        )
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), step
        do_no_harm(busy.pid)
    wait_progress(busy)
    inspector.report(busy.pid).assert_healthy()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "PIPE", "ALRM"])
def test_signals_at_every_step(vm, inspector, tmp_path, name):
    """What a person or a shell would end it with."""
    calls = count_ptrace(inspector, vm.pid, tmp_path / "log")
    for step in range(1, calls + 1):
        prefix = strace(f"signal={name}", f"when={step}")
        done = inspector.run("--pid", vm.pid, "--stop=always", "--once", prefix=prefix)
        number = getattr(signal, f"SIG{name}")
        assert done.returncode in (0, 3, -number, 128 + number), (step, done.stderr)
        do_no_harm(vm.pid)
    inspector.report(vm.pid).assert_healthy()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_failure_at_every_step(vm, inspector, tmp_path):
    """A ptrace call fails as if the thread had ended: all others are released all the same."""
    calls = count_ptrace(inspector, vm.pid, tmp_path / "log")
    for error in ("ESRCH", "EPERM"):
        for step in range(1, calls + 1):
            prefix = strace(f"error={error}", f"when={step}")
            done = inspector.run("--pid", vm.pid, "--stop=always", "--once", prefix=prefix)
            assert done.returncode in (0, 3, 4), (step, done.stderr)
            assert (done.stdout == "") == (done.returncode == 3)
            do_no_harm(vm.pid)


def test_interrupted_between_looks(vm, inspector):
    command = inspector.command("--pid", vm.pid, "--interval", "60")
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=inspector.env
    )
    while b"230 " not in open(f"/proc/{process.pid}/syscall", "rb").read()[:4]:  # clock_nanosleep
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=10)
    assert stdout == b""
    assert process.returncode in (-signal.SIGINT, 3, 128 + signal.SIGINT)
    do_no_harm(vm.pid)


def test_traced_by_another(vm, inspector):
    """A debugger is attached, and the VM stopped: reading goes on, and what needs ptrace says who has it."""
    gdb = subprocess.Popen(
        ["gdb", "-nx", "-q", "-p", str(vm.pid), "-ex", "echo ATTACHED\\n"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        while b"ATTACHED" not in (line := gdb.stdout.readline()):
            assert line, "gdb has ended"
        run = super(type(inspector), inspector).run
        done = run("--pid", vm.pid, "--stop=never", "--format=json")
        report = Report(done.stdout, done.returncode)
        finding = report.only_finding("vm-paused", severity="note")
        assert finding["summary"] == f"the process is stopped: gdb (pid {gdb.pid}) traces it"
        assert report.target["held"] == {"by": "tracer", "pid": gdb.pid}
        done = run("--pid", vm.pid, "--stop=always")
        assert (done.returncode, done.stdout) == (3, "")
        assert str(gdb.pid) in done.stderr or "traced" in done.stderr
    finally:
        gdb.communicate(b"detach\nquit\n", timeout=30)
    assert gdb.returncode == 0


def test_many_at_once(vm, inspector):
    """Each waits for its turn to stop the threads, and takes no other's stop for a debugger's."""
    run = super(type(inspector), inspector).run  # without looking for harm, where another is at work
    arguments = ("--pid", vm.pid, "--format=json", "--stop=always", "--interval=0.05")
    with concurrent.futures.ThreadPoolExecutor(6) as runs:
        looks = [runs.submit(run, *arguments) for _ in range(30)]
    for done in (look.result() for look in looks):
        assert done.returncode == 0, done.stdout + done.stderr
        Report(done.stdout, 0).assert_healthy()
    do_no_harm(vm.pid)


@pytest.fixture
def freezer():
    """A control group whose processes can be frozen: its folder, and how to freeze and thaw it."""
    old, new = (Path("/sys/fs/cgroup", *where, f"vqitest-{os.getpid()}") for where in (["freezer"], []))
    folder, (file, freeze, thaw) = (old, ("freezer.state", "FROZEN", "THAWED"))
    if not old.parent.exists():
        folder, (file, freeze, thaw) = new, ("cgroup.freeze", "1", "0")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group: {error}")
    yield folder, lambda on: (folder / file).write_text(freeze if on else thaw)
    (folder / file).write_text(thaw)
    # Its processes go back where they can.
    for pid in (folder / "cgroup.procs").read_text().split():
        (folder.parent / "cgroup.procs").write_text(pid)
    folder.rmdir()


def test_frozen(vm, inspector, machines, freezer):
    folder, freeze = freezer
    (folder / "cgroup.procs").write_text(str(vm.pid))
    freeze(True)
    while not vm_is_frozen(vm):
        pass
    machines.forget(vm)
    report = inspector.report(vm.pid)
    finding = report.only_finding("vm-paused", severity="note")
    assert finding["summary"] == "the process is frozen with its cgroup"
    assert finding["next_step"] == f"find out who froze it (see /proc/{vm.pid}/cgroup), and let it be thawed"
    assert report.target["held"] == {"by": "freezer", "pid": None}
    freeze(False)
    machines.keep(vm)
    vm.qmp.execute("query-status")
    inspector.report(vm.pid).assert_healthy()


def vm_is_frozen(vm):
    return Path(f"/proc/{vm.pid}/wchan").read_text() in ("__refrigerator", "do_freezer_trap")


def test_stopped_by_a_signal(vm, inspector, machines):
    """Somebody has stopped QEMU with SIGSTOP: it is inspected, and stays stopped."""
    os.kill(vm.pid, signal.SIGSTOP)
    try:
        while not all(status["State"].startswith("T") for status in threads(vm.pid).values()):
            pass
        machines.forget(vm)
        for stop in ("never", "auto", "always"):
            done = inspector.run("--pid", vm.pid, f"--stop={stop}", "--format=json", timeout=20)
            report = Report(done.stdout, done.returncode)
            finding = report.only_finding("vm-paused", severity="note")
            assert finding["summary"] == "the process is stopped by a signal such as SIGSTOP"
            assert finding["next_step"] == f"find out who stopped it, then: kill -CONT {vm.pid}"
            if stop != "always":  # after ours, the threads are on their way to the stop that they were in
                check_evidence(finding, rf"^thread {vm.pid}, main loop \(.*\): state T\b")
            assert report.target["held"] == {"by": "signal", "pid": None}
            assert {status["State"][0] for status in threads(vm.pid).values()} == {"T"}
            assert {status["TracerPid"] for status in threads(vm.pid).values()} == {"0"}
    finally:
        os.kill(vm.pid, signal.SIGCONT)
        machines.keep(vm)
