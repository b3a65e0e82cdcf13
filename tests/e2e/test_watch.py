"""--watch: a look after the other at one target, while that changes."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from rig import GEOMETRY, NULL, SLOW, on
from stuck_requests import submit

from vqitest.inspector import Report
from vqitest.qtest import Bus
from vqitest.watch import Watch

EJECT = 0xAE08  # hw/acpi/pcihp.c, PCI_EJ_BASE
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
# Longer than a queue must stand still to be called stuck, shorter than a test should last.
FEW_SECONDS = f"{NULL},latency-ns={3 * 10**9}"


@pytest.fixture
def watch(inspector, machines):
    running = []

    def start(pid, *arguments, **more):
        running.append(Watch(inspector, pid, *arguments, **more))
        return running[-1]

    yield start
    for one in running:
        one.__exit__()


def pc(machines, *arguments, **more):
    """A machine whose devices on pci.0 come and go without the guest's help."""
    return machines.start(*arguments, machine="pc", qtest=True, **more)


def plug(vm, name, slot, **properties):
    vm.qmp.execute("device_add", driver="virtio-rng-pci", id=name, bus="pci.0", addr=f"{slot:#x}", **properties)


def unplug(vm, name, slot):
    vm.qmp.execute("device_del", id=name)
    Bus(vm.qtest).outl(EJECT, 1 << slot)
    vm.qmp.wait_event("DEVICE_DELETED")


# ---- lines ----


def test_nothing_but_the_head_of_an_idle_target(rig, watch):
    disk = rig.disk()
    disk.complete(10)
    run = watch(rig.vm.pid, "--count=20", interval=0.01)
    assert run.end(0) == ""
    (head,) = run.lines
    assert re.search(rf" pid {rig.vm.pid} .* running   1 device, 1 queue   a look every 0.01 s, nothing stopped$", head)


@on("pci-split", "pci-packed", "mmio-split")
def test_lines_of_a_queue_with_work(rig, watch):
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    run = watch(rig.vm.pid)
    run.head()
    submit(rig, disk, 3)
    line = run.until(r"depth (3|9)  ")  # of a packed ring, descriptors are counted
    assert re.fullmatch(
        rf"{TIME}  blk0 queue 0  request  busy  depth (3|9)  published \S+/s  completed \S+/s  reaped (-|\S+/s)  "
        r"for \S+ m?s(  oldest \S+ m?s)?",
        line,
    )
    run.signal(signal.SIGINT)
    assert run.end(0) == ""
    rig.report(status=1)


def test_a_finding_comes_and_goes(rig, watch):
    disk = rig.disk(blockdev=FEW_SECONDS, **GEOMETRY)
    run = watch(rig.vm.pid)
    run.head()
    disk.read(8)
    disk.ring.publish()
    disk.ring.kick()
    found = run.until("request-stuck-in-device")
    assert re.match(rf"{TIME}  blk0 queue 0  error  request-stuck-in-device, confirmed  1 request taken", found)
    assert any(re.search("  blk0 queue 0  request  stuck  depth 1  ", line) for line in run.lines[-2:])
    gone = run.until("gone")
    assert re.fullmatch(rf"{TIME}  blk0 queue 0  gone  request-stuck-in-device", gone)
    assert sum("request-stuck-in-device" in line for line in run.lines) == 2, "it is said once that it comes, and that it goes"
    run.signal(signal.SIGTERM)
    assert run.end(0) == ""


def test_paused_and_continued(rig, watch):
    """What stands still while the VM does is not stuck, and has not stood still when the VM goes on."""
    disk = rig.disk()
    disk.read(8)
    disk.ring.publish()  # and no kick
    run = watch(rig.vm.pid, "--format=json")
    run.until_report(lambda report: report.findings).only_finding("device-not-notified", "blk0", 0)
    rig.vm.qmp.execute("stop")
    paused = run.until_report(lambda report: report.target["run_state"] == "paused")
    assert [finding["id"] for finding in paused.findings] == ["vm-paused"]
    rig.vm.qmp.execute("cont")
    running = run.until_report(lambda report: report.target["run_state"] == "running")
    assert (running.findings, running.capture["looks"]) == ([], 1)
    found = run.until_report(lambda report: report.findings)
    # When it goes on, QEMU looks into its rings by itself.
    found.only_finding("completion-not-seen", "blk0", 0)
    assert found.capture["interval_ms"] >= 1000
    run.signal(signal.SIGINT)
    assert run.end(1) == ""


# ---- how it ends ----


def test_the_target_ends(machines, watch):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    run = watch(vm.pid)
    run.head()
    machines.forget(vm)
    vm.process.kill()
    vm.process.wait()
    assert run.end(0) == f"virtq-inspect: process {vm.pid} has ended\n"


def test_the_target_was_stuck_and_ends(rig, machines, watch):
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    submit(rig, disk)
    run = watch(rig.vm.pid)
    run.until("request-stuck-in-device, confirmed")
    machines.forget(rig.vm)
    rig.vm.process.kill()
    rig.vm.process.wait()
    assert run.end(1) == f"virtq-inspect: process {rig.vm.pid} has ended\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(machines, watch, number):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    run = watch(vm.pid, interval=3600)
    run.head()
    run.signal(number)
    assert run.end(0) == ""
    assert len(run.lines) == 1


def test_an_ignored_signal_stays_so(machines, watch):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    run = watch(vm.pid, "--format=json", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    run.report()
    run.signal(signal.SIGHUP)
    for _ in range(3):
        run.report()
    run.signal(signal.SIGINT)
    assert run.end(0) == ""


@pytest.mark.parametrize("arguments", [[], ["--format=json"]], ids=["lines", "json"])
def test_nobody_reads_any_more(machines, inspector, arguments):
    vm = machines.start("-device", "virtio-balloon-pci", qtest=True)
    command = inspector.command("--pid", vm.pid, "--watch=0.05", *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=inspector.env) as run:
        assert run.stdout.readline()
        run.stdout.close()
        assert run.wait(timeout=60) == 0
        assert run.stderr.read() == ""


def test_quiet(rig, inspector):
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    submit(rig, disk)
    done = inspector.run("--pid", rig.vm.pid, "--watch=0.1", "--count=14", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    rig.report(status=1)


# ---- documents ----


def test_documents(rig, watch):
    disk = rig.disk()
    disk.complete(3)
    run = watch(rig.vm.pid, "--format=json", "--count=16")
    reports = [run.report() for _ in range(16)]
    assert run.end(0) == ""
    assert [report.capture["looks"] for report in reports[:2]] == [1, 1]
    assert reports[-1].capture["looks"] == 2 and reports[-1].capture["interval_ms"] >= 1000
    for report in reports:
        report.assert_healthy()
        assert report.json["loops"] and report.json["threads"], "each document is whole"
    times = [report.capture["time"] for report in reports]
    assert times == sorted(set(times))
    rig.check_well(disk.ring)


def test_a_file_is_replaced_by_each_look(rig, watch, tmp_path):
    disk = rig.disk()
    run = watch(rig.vm.pid, "--count=3", "--format=openmetrics", f"--output={tmp_path / 'metrics'}")
    assert run.end(0) == ""
    assert run.lines == []
    text = (tmp_path / "metrics").read_text()
    assert text.endswith("# EOF\n")
    assert [path.name for path in tmp_path.iterdir()] == ["metrics"]
    rig.check_well(disk.ring)


# ---- a target that changes ----


def test_plugged_and_unplugged(machines, watch):
    vm = pc(machines, "-device", "virtio-rng-pci,id=rng0,addr=5")
    run = watch(vm.pid)
    run.head()
    plug(vm, "rng1", 6)
    line = run.until("plugged")
    assert re.fullmatch(rf"{TIME}  rng1  plugged  virtio-rng  1 queue", line)
    unplug(vm, "rng0", 5)
    line = run.until("unplugged")
    assert re.fullmatch(rf"{TIME}  rng0  unplugged", line)
    plug(vm, "rng0", 5)
    run.until("  rng0  plugged")
    run.signal(signal.SIGINT)
    assert run.end(0) == ""
    assert len(run.lines) == 4


def test_plugged_in_documents(machines, watch):
    vm = pc(machines, "-device", "virtio-rng-pci,id=rng0,addr=5")

    def labels(report):
        return {report.label(device) for device in report.devices}

    run = watch(vm.pid, "--format=json")
    assert labels(run.report()) == {"rng0"}
    plug(vm, "rng1", 6)
    run.until_report(lambda report: labels(report) == {"rng0", "rng1"}).assert_healthy()
    unplug(vm, "rng0", 5)
    report = run.until_report(lambda report: labels(report) == {"rng1"})
    assert report.json["unplugged"] == ["rng0"]
    assert run.report().json["unplugged"] == []
    run.signal(signal.SIGINT)
    assert run.end(0) == ""


def test_only_what_was_chosen_is_plugged(machines, watch):
    """A device is known by its name when it comes, and when it comes again."""
    vm = pc(machines, "-device", "virtio-rng-pci,id=rng0,addr=5")
    run = watch(vm.pid, "--device=rng0")
    run.head()
    plug(vm, "rng1", 6)
    unplug(vm, "rng0", 5)
    run.until("  rng0  unplugged")
    plug(vm, "rng0", 5)
    run.until("  rng0  plugged")
    run.signal(signal.SIGINT)
    assert run.end(0) == ""
    assert not any("rng1" in line for line in run.lines)


def test_reset(rig, watch):
    disk = rig.disk()
    disk.complete(10)
    run = watch(rig.vm.pid)
    run.head()
    rig.vm.qmp.execute("system_reset")
    line = run.until("  blk0 queue 0  request  disabled  ")
    assert re.match(TIME, line)
    run.signal(signal.SIGINT)
    assert run.end(0) == ""


# ---- until something is stuck ----


def test_until_stuck(rig, watch, tmp_path):
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    file = tmp_path / "report.md"
    run = watch(rig.vm.pid, "--until-stuck", "--stacks", f"--report={file}")
    run.head()
    submit(rig, disk, 2)
    run.until("request-stuck-in-device, confirmed")
    assert run.end(1) == ""
    text = "\n".join(run.lines)
    page = text[text.index("\n\n") :]
    assert re.search(r"✗ blk0 queue 0: 2 requests taken and not completed", page)
    assert "null_co_preadv" in page, "the back trace of a request"
    report = file.read_text()
    assert report.startswith("## Verdict: request-stuck-in-device\n")
    assert "null_co_preadv" in report
    rig.report(status=1)


@pytest.mark.parametrize("arguments", [[], ["--format=json"]], ids=["lines", "json"])
def test_recorded_when_stuck(rig, watch, inspector, tmp_path, arguments):
    """What is recorded replays to the same verdict."""
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    files = tmp_path / "recording", tmp_path / "report.md"
    run = watch(rig.vm.pid, "--until-stuck", *arguments, f"--record={files[0]}", f"--report={files[1]}")
    run.line()
    submit(rig, disk, 2)
    assert run.end(1) == ""
    done = inspector.run(f"--replay={files[0]}", *arguments)
    assert (done.returncode, done.stderr) == (1, "")
    page = "\n".join(run.lines) + "\n"
    assert page.endswith(done.stdout), "the replay prints what the watch has printed"
    assert "request-stuck-in-device" in done.stdout
    assert files[1].read_text().startswith("## Verdict: request-stuck-in-device\n")
    rig.report(status=1)


def test_files_that_cannot_be_written(rig, watch, tmp_path):
    """Known before the wait; or what was waited for is said all the same."""
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    for option in ("--report", "--record", "--output"):
        stderr = rig.inspector.fails("--pid", rig.vm.pid, "--watch", "--until-stuck", f"{option}=/nowhere/file", status=3)
        assert "cannot write /nowhere/file" in stderr
    stderr = rig.inspector.fails("--pid", rig.vm.pid, "--watch", "--count=1", f"--report={tmp_path / 'file'}", status=2)
    assert "needs --until-stuck" in stderr
    folder = tmp_path / "folder"
    folder.mkdir()
    run = watch(rig.vm.pid, "--until-stuck", f"--report={folder}/report.md", f"--record={folder}/recording")
    run.head()
    folder.rmdir()
    submit(rig, disk, 2)
    stderr = run.end(1)
    assert f"cannot write {folder}/report.md" in stderr and f"cannot write {folder}/recording" in stderr
    text = "\n".join(run.lines)
    assert re.search(r"✗ blk0 queue 0: 2 requests taken and not completed", text[text.index("\n\n") :])
    rig.report(status=1)


def test_until_stuck_in_documents(rig, watch):
    disk = rig.disk(blockdev=SLOW, **GEOMETRY)
    run = watch(rig.vm.pid, "--until-stuck", "--format=json", "--requests")
    run.report().assert_healthy()
    submit(rig, disk, 2)
    last = run.until_report(lambda report: report.json["exit_status"] == 1)
    last.only_finding("request-stuck-in-device", "blk0", 0)
    assert len(last.queue("blk0", 0)["requests"]) == 2
    assert run.end(1) == ""
    assert json.loads(run.lines[-1]) == last.json, "it is the last document"
    rig.report(status=1)


def test_until_stuck_ends_without(rig, watch, tmp_path):
    disk = rig.disk()
    run = watch(rig.vm.pid, "--until-stuck", "--count=15", f"--report={tmp_path / 'report.md'}")
    assert run.end(0) == ""
    assert list(tmp_path.iterdir()) == []
    rig.check_well(disk.ring)


def test_until_stuck_stops_nothing_that_runs(rig, watch):
    """Findings that are errors at the first look, and not stuck requests: those count too."""
    rig.disk(blockdev=SLOW, **GEOMETRY)
    run = watch(rig.vm.pid, "--until-stuck", "--format=json", "--stacks=all")
    run.report()
    os.kill(rig.vm.pid, signal.SIGSTOP)
    try:
        stopped = run.until_report(lambda report: report.findings)
        assert [finding["id"] for finding in stopped.findings] == ["vm-paused"]
        run.signal(signal.SIGINT)
        run.end(stopped.json["exit_status"])
    finally:
        os.kill(rig.vm.pid, signal.SIGCONT)


# ---- a day of looks ----

LOOKS = 28800  # a look every three seconds, for a day


def memory_and_files(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_day(machines, inspector):
    """Devices come and go all the time: no memory is lost, and no descriptor."""
    vm = pc(machines, "-device", "virtio-balloon-pci", "-device", "virtio-serial-pci")
    command = inspector.command("--pid", vm.pid, "--watch=0.001", f"--count={LOOKS}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=inspector.env) as run:
        turns, seen = 0, []
        while run.poll() is None:
            plug(vm, f"rng{turns % 3}", 8)
            vm.qmp.execute("system_reset")
            unplug(vm, f"rng{turns % 3}", 8)
            turns += 1
            try:
                seen.append(memory_and_files(run.pid))
            except (FileNotFoundError, ProcessLookupError, TypeError):
                break
        assert run.wait(timeout=60) == 0, run.stderr.read()
    assert turns >= 50
    early = seen[len(seen) // 10 : len(seen) // 5]
    late = seen[-len(early) :]
    assert max(rss for rss, _ in late) <= max(rss for rss, _ in early) + 256, (early, late)
    assert max(files for _, files in late) <= max(files for _, files in early)
