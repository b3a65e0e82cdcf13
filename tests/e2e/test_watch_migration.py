"""--watch of a Linux guest that moves: to another QEMU, and back to what a snapshot of it has kept. None of that is a hang."""

import datetime
import json
import re
import signal
import subprocess
from collections import namedtuple

import pytest
from guest_oracle import check_with_guest
from oracle import QmpOracle, check_settled

from vqitest import qemu_folder
from vqitest.inspector import Report
from vqitest.watch import Watch

NULL = "driver=null-co,size=1073741824,read-zeroes=on"
NAMES = ("plain", "threaded", "packed")

# The same QEMU, watched for a reader and for a program.
Watches = namedtuple("Watches", "lines documents")


def null_disks():
    yield from ("-object", "iothread,id=io0")
    for name, more in {"plain": "", "threaded": ",iothread=io0", "packed": ",packed=on"}.items():
        yield from ("-blockdev", f"node-name=n-{name},{NULL}")
        yield from ("-device", f"virtio-blk-pci,id={name},drive=n-{name},serial={name}{more}")
    yield from ("-netdev", "user,id=user", "-device", "virtio-net-pci,id=net0,netdev=user")


@pytest.fixture
def watch(inspector):
    running = []

    def start(vm):
        running.append(Watch(inspector, vm.pid))
        running.append(Watch(inspector, vm.pid, "--format=json"))
        lines, documents = running[-2:]
        lines.head()
        documents.report()
        return Watches(lines, documents)

    yield start
    for one in running:
        one.__exit__()


def start_load(vm, *names):
    for name in names:
        disk = vm.guest.disk(name)
        vm.guest.spawn(f"while :; do dd if=/dev/{disk} of=/dev/null bs=64k count=64 iflag=direct; done")


def moment():
    """As lines and documents have it, so that they can be compared."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def used_indices(report, name):
    return [queue["used_idx"] for queue in report.device(name)["queues"]]


def until_works(watches, *names):
    """Until each of these was seen, from now on, to complete something."""
    since = moment()
    for name in names:
        pattern = rf"^(\S+)  {name} queue \d+  request  (idle|busy)  .*completed [1-9]"
        while re.search(pattern, watches.lines.until(pattern))[1] <= since:
            pass
        before = watches.documents.until_report(lambda report: report.capture["time"] > since)
        used = used_indices(before, name)
        watches.documents.until_report(
            lambda report: report.target["run_state"] == "running" and used_indices(report, name) != used
        )


def run_states(watch):
    """Those that its documents tell of, one after the other."""
    states = [json.loads(line)["target"]["run_state"] for line in watch.lines]
    return [state for number, state in enumerate(states) if number == 0 or states[number - 1] != state]


def check_found_nothing(watches):
    """Nothing was ever said to be wrong; of what is not running, that it is stopped, as a note."""
    assert not [line for line in watches.lines.lines if "  error  " in line or "  warning  " in line or "  stuck  " in line]
    for line in watches.documents.lines:
        report = Report(line)
        assert {finding["id"] for finding in report.findings if finding["severity"] != "note"} == set(), line
        assert report.json["gaps"] == [], line
        assert "stuck" not in report.states().values(), line
        stopped = report.target["run_state"] != "running"
        assert stopped == any(finding["id"] == "vm-paused" for finding in report.findings), line


def check_right(vm, watches):
    """What the watch says of a VM that stands still is what QEMU says."""
    vm.qmp.execute("stop")
    watches.documents.until_report(lambda report: report.target["run_state"] == "paused")
    check_settled(QmpOracle(vm.qmp), watches.documents.report)
    vm.qmp.execute("cont")
    running = watches.documents.until_report(lambda report: report.target["run_state"] == "running")
    check_with_guest(running, vm.guest)


def end(*watches):
    for watch in (one for both in watches for one in both):
        watch.signal(signal.SIGINT)
        assert watch.end(0) == ""


# ---- to another QEMU ----


def wait_migrated(old, new):
    while old.qmp.wait_event("MIGRATION")["data"]["status"] != "completed":
        pass
    new.qmp.wait_event("RESUME")


def test_migrated(machines, watch, tmp_path):
    """Where it comes from, and where it goes to, which is watched before anything has come."""
    socket = tmp_path / "migration"
    old = machines.start(*null_disks(), guest=True, smp=2)
    old.guest.wait_ready()
    start_load(old, *NAMES)
    new = machines.start(*null_disks(), "-incoming", f"unix:{socket}", guest=True, smp=2)
    source, destination = watch(old), watch(new)
    until_works(source, *NAMES)
    assert run_states(destination.documents) == ["inmigrate"]
    old.qmp.execute("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
    old.qmp.execute("migrate", uri=f"unix:{socket}")
    wait_migrated(old, new)
    source.lines.until(r"  vm  postmigrate$")
    source.documents.until_report(lambda report: report.target["run_state"] == "postmigrate")
    destination.lines.until(r"  vm  running$")
    until_works(destination, *NAMES)
    check_right(new, destination)
    # The source is looked at for as long as that takes: what it has left in its rings is not stuck.
    for _ in range(15):
        last = source.documents.report()
    assert set(last.states().values()) <= {"paused", "idle", "disabled"}
    check_settled(QmpOracle(old.qmp), source.documents.report)
    machines.forget(old)
    old.qmp.execute("quit")
    for one in source:
        assert one.end(0) == f"virtq-inspect: process {old.pid} has ended\n"
    old.__exit__(None, None, None)
    end(destination)
    check_found_nothing(source)
    check_found_nothing(destination)
    assert run_states(source.documents)[0] == "running" and run_states(source.documents)[-1] == "postmigrate"
    assert set(run_states(source.documents)) <= {"running", "finish-migrate", "paused", "postmigrate"}
    assert run_states(destination.documents)[0] == "inmigrate" and run_states(destination.documents)[-1] == "running"


# ---- back to a snapshot ----


def test_saved_and_loaded(machines, watch, tmp_path):
    """The memory and the devices of a VM that goes back are what they were; so are its rings."""
    subprocess.run([qemu_folder() / "qemu-img", "create", "-q", "-f", "qcow2", tmp_path / "file", "64M"], check=True)
    vm = machines.start(
        *("-object", "iothread,id=io0"),
        *("-blockdev", f"node-name=n-file,driver=qcow2,file.driver=file,file.filename={tmp_path / 'file'}"),
        *("-device", "virtio-blk-pci,id=file,drive=n-file,serial=file,iothread=io0"),
        *("-netdev", "user,id=user", "-device", "virtio-net-pci,id=net0,netdev=user"),
        guest=True,
        smp=1,
    )
    vm.guest.wait_ready()
    start_load(vm, "file")
    # Nothing may be on its way to the guest when it goes back.
    vm.guest.check("true")
    watches = watch(vm)
    until_works(watches, "file")
    for number in range(2):
        assert vm.qmp.hmp(f"savevm s{number}", timeout=120) == ""
        until_works(watches, "file")
        assert vm.qmp.hmp(f"loadvm s{number}", timeout=120) == ""
        until_works(watches, "file")
    check_right(vm, watches)
    end(watches)
    check_found_nothing(watches)
    assert set(run_states(watches.documents)) <= {"running", "paused", "save-vm", "restore-vm", "finish-migrate"}
