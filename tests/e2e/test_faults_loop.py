"""Event loops that do not come back to their poll, or sleep in it on work: one finding for the loop, none for its queues."""

import re

import pytest
from rig import SLOW, on

from vqitest import Qemu
from vqitest.driver import Disk
from vqitest.fuse import SlowFile, why_no_fuse
from vqitest.inspector import Report, check_evidence
from vqitest.nbd import NbdServer

needs_fuse = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")
IOTHREAD = ("-object", "iothread,id=io0")


def check_blocked(report: Report, name, how):
    """The one finding of a loop: (finding, the loop, its thread)."""
    found = [finding for finding in report.findings if finding["id"] == "event-loop-blocked"]
    assert len(found) == 1 and report.json["gaps"] == []
    (finding,) = found
    assert (finding["severity"], finding["confidence"]) == ("error", "confirmed")
    assert (finding["device"], finding["queue"]) == (None, None)
    away = rf"the {name} has not returned to its poll for 1\d\d\d ms: {how}"
    asleep = rf"the {name} slept in its poll for 1\d\d\d ms {how}"
    assert re.fullmatch(f"{away}|{asleep}", finding["summary"]), finding["summary"]
    loop = next(loop for loop in report.json["loops"] if loop["name"] == name)
    check_evidence(finding, rf"^thread {loop['tid']}, {name} \(.*\): state [SD] in ")
    check_evidence(finding, "^it slept all the time between the looks")
    return finding, loop, thread_of(report, loop["tid"])


def only(report):
    assert [finding["id"] for finding in report.findings] == ["event-loop-blocked"]
    return report


def thread_of(report, tid):
    return next(thread for thread in report.json["threads"] if thread["tid"] == tid)


def blocked_report(rig):
    """The main loop answers to nobody: there is no asking QMP what is true."""
    return rig.inspector.report(rig.vm.pid, status=1)


# The main loop waits for requests.


@pytest.fixture
def silent(rig, tmp_path):
    """A disk blk0 with a request on a server that has fallen silent; and blk1, with one that waits to be seen."""
    with NbdServer(tmp_path / "socket") as server:
        rig.add("-blockdev", server.blockdev("d0"), "-blockdev", "null-co,node-name=d1,size=1048576,read-zeroes=on")
        rig.add_device("blk", "blk0", drive="d0", num_queues=1)
        rig.add_device("blk", "blk1", drive="d1", num_queues=1)
        rig.boot()
        slow, quick = (Disk(rig.drive(name, {0: 64})) for name in ("blk0", "blk1"))
        server.fall_silent()
        slow.submit(1)
        rig.wait_taken(slow.ring)
        quick.read()
        quick.ring.publish()
        yield server, slow, quick


def check_nested(rig):
    rig.inside.wait_nested()
    report = blocked_report(rig)
    finding, loop, thread = check_blocked(report, "main loop", r"it waits in a nested aio_poll\(\)")
    context = rig.inside.main_context().address
    assert (loop["nested"], loop["context"], loop["tid"]) == (True, f"{context:#x}", rig.vm.pid)
    assert thread["syscall"] in ("ppoll", "io_uring_enter", "epoll_wait")
    check_evidence(finding, rf"^AioContext.notify_me says that an aio_poll\(\) waits \(at {context:#x}\)$")
    check_evidence(finding, "^blk0 has requests in flight:$", "^back end: block, node d0, driver nbd$")
    assert not [line for line in finding["evidence"] if "node d1" in line], "it has nothing to do with it"
    # Nested in a monitor command: it has not let go of the lock.
    assert report.target["bql_owner"] == rig.vm.pid
    check_evidence(finding, f"^the big QEMU lock is held by thread {rig.vm.pid}$")
    return report, finding


def resume(rig, server, command, slow, quick):
    server.speak_again()
    rig.vm.qmp.end(command)
    rig.vm.qmp.execute("cont")
    for disk in (slow, quick):
        disk.ring.kick()
        disk.ring.wait_used(1)
        disk.ring.reap()
    rig.expect(slow.ring, state="idle")
    rig.expect(quick.ring, state="idle")
    rig.report(status=0).assert_healthy()


@on("pci-split")
def test_monitor_command_waits(rig, silent):
    """A command that reads the disk, as many do."""
    rig.vm.qmp.begin("human-monitor-command", {"command-line": 'qemu-io d0 "read 0 512"'})
    report, finding = check_nested(rig)
    only(report)
    check_evidence(finding, "^waits for it: blk1 queue 0, 1 not taken$")
    assert report.states() == {("blk0", 0): "stuck", ("blk1", 0): "stuck"}
    resume(rig, *silent[:1], "human-monitor-command", *silent[1:])


@on("pci-split")
def test_stop_waits(rig, silent):
    """A drain of all disks, with the VM already stopped: that is said, too."""
    rig.vm.qmp.begin("stop")
    report, finding = check_nested(rig)
    assert [(found["id"], found["severity"]) for found in report.findings][1:] == [("vm-paused", "note")]
    check_evidence(finding, "^node d0 is drained: quiesce_counter 1$")
    (block,) = (backend["block"] for backend in report.device("blk0")["backends"])
    assert (block["in_flight"], block["quiesce_counter"]) == (1, 1)
    assert report.states() == {("blk0", 0): "paused", ("blk1", 0): "paused"}
    resume(rig, *silent[:1], "stop", *silent[1:])


@on("pci-split")
def test_iothread_waits(rig, tmp_path):
    """A job ends by draining its disk, whose requests are not done. Up to 8.x in the iothread of that, later in the main loop."""
    with NbdServer(tmp_path / "socket") as server:
        rig.add(*IOTHREAD, "-blockdev", f"null-co,node-name=copy,size={1 << 30}")
        disk = rig.disk(server.blockdev("d0"), iothread="io0")
        disk.complete(4)
        rig.vm.qmp.execute("blockdev-mirror", **{"job-id": "job", "device": "d0", "target": "copy", "sync": "none"})
        rig.vm.qmp.wait_event("BLOCK_JOB_READY")
        server.fall_silent()
        disk.submit(1, "read")
        rig.wait_taken(disk.ring)
        rig.vm.qmp.begin("block-job-complete", device="job")
        while not rig.inside.back_end(rig.path("blk0"))["quiesce_counter"]:
            pass
        in_iothread = "external_disable_cnt" in rig.inside.main_context()
        name = "iothread io0" if in_iothread else "main loop"
        report = only(blocked_report(rig))
        finding, loop, thread = check_blocked(report, name, r"it waits in a nested aio_poll\(\)")
        assert loop["nested"] is True
        check_evidence(finding, "^blk0 has requests in flight:$", "^node d0 is drained: quiesce_counter ")
        server.speak_again()
        rig.check_well(disk.ring, 1)


class Silent(Qemu):
    """One that does not come as far as to answer a monitor."""

    def _connect(self):
        pass


def test_device_waits_to_be_made(machines, inspector):
    """A disk reads its partition table while QEMU starts."""
    vm = machines.start("-blockdev", SLOW, "-device", "virtio-blk-pci,id=blk0,drive=d0", kind=Silent, qtest=True)
    while (report := inspector.run("--pid", vm.pid, "--format=json", "--interval", "1")).returncode != 1:
        assert vm.process.poll() is None
    report = only(Report(report.stdout, 1))
    finding, loop, _ = check_blocked(report, "main loop", r"it waits in a nested aio_poll\(\)")
    assert loop["nested"] is True
    assert report.target["run_state"] == "prelaunch"
    check_evidence(finding, "^requests in flight elsewhere, of no device in this report:$", "^node d0, driver null-co: in_flight 2, tracked_requests 1 ")
    check_evidence(finding, f"^the big QEMU lock is held by thread {vm.pid}$")


# A loop is in the kernel.


@needs_fuse
@on("pci-split")
@pytest.mark.parametrize("name", ["main loop", "iothread io0"])
def test_submission_blocks(rig, tmp_path, name):
    """Asynchronous I/O that is none: io_submit() does not return before the file system has answered."""
    with SlowFile(tmp_path / "disk") as file:
        rig.add(*IOTHREAD)
        node = f"file,node-name=d0,filename={file.path},aio=native,cache.direct=on"
        disk = rig.disk(node, **({} if name == "main loop" else {"iothread": "io0"}))
        disk.complete(4, kind="read")
        file.hold()
        disk.submit(1, "write")
        file.wait_held()
        if name != "main loop":
            disk.submit(1, "write")
        report = only(blocked_report(rig))
        finding, loop, thread = check_blocked(report, name, "it sleeps in io_submit")
        assert (thread["syscall"], thread["role"], thread["state"]) == ("io_submit", name, "S")
        check_evidence(finding, f"^thread {loop['tid']} is in (syscall|io_submit), called by .*(ioq_submit|laio_)")
        check_evidence(finding, "^blk0 has requests in flight:$", f"^node d0, driver file, file {file.path}: in_flight 2, tracked_requests 1 ")
        if name != "main loop":
            check_evidence(finding, "^waits for it: blk0 queue 0, 1 not taken, its kick pending$")
            assert report.queue("blk0", 0)["host_notifier"]["pending"] is True
        assert report.queue("blk0", 0)["served_by"]["tid"] == loop["tid"]
        file.release()
        rig.check_well(disk.ring, 1 if name == "main loop" else 2)


# A loop waits for a mutex.


def check_mutex(report, name, mutex, owner):
    finding, loop, thread = check_blocked(report, name, "it sleeps in futex")
    assert (thread["mutex"], thread["mutex_owner"]) == (f"{mutex.address:#x}", owner)
    assert thread_of(report, owner)["role"] == "vCPU 0"
    check_evidence(finding, f"^thread {loop['tid']} is in (?!.*mutex_lock)")
    waits = f"waits for the mutex at {mutex.address:#x}, which thread {owner} holds"
    check_evidence(finding, f"^thread {loop['tid']} {waits}$", rf"^thread {owner}, vCPU 0 \(")
    return finding


def first_vcpu(rig):
    return next(vcpu["thread-id"] for vcpu in rig.vm.qmp.execute("query-cpus-fast") if vcpu["cpu-index"] == 0)


@on("pci-split")
def test_big_lock_is_held(rig):
    """A virtual CPU's thread has it and does not come back; the main loop, and with it QMP, waits. No queue does."""
    disk = rig.disk()
    disk.complete(10)
    lock, owner = rig.inside.big_lock(), first_vcpu(rig)
    lock.take(owner)
    rig.vm.qmp.begin("query-status")
    lock.wait_contended(rig.vm.pid)
    report = only(blocked_report(rig))
    finding = check_mutex(report, "main loop", lock, owner)
    check_evidence(finding, f"^the big QEMU lock is held by thread {owner}$")
    assert report.target["bql_owner"] == owner
    assert report.states() == {("blk0", 0): "idle"}
    lock.release()
    assert rig.vm.qmp.end("query-status")["status"] == "running"
    rig.check_well(disk.ring)


@on("pci-split")
def test_lock_of_an_iothread_is_held(rig):
    rig.add(*IOTHREAD)
    disk = rig.disk(iothread="io0")
    disk.complete(10)
    owner = first_vcpu(rig)
    node = rig.inside.root_node(rig.path("blk0"))
    if node.has_mutex("reqs_lock"):  # since 8.1
        lock = rig.inside.mutex(node, "reqs_lock")
    else:
        lock = rig.inside.mutex(rig.inside.context_of(rig.path("blk0")), "lock")
    lock.take(owner)
    disk.submit(2)
    lock.wait_contended(rig.vm.qmp.execute("query-iothreads")[0]["thread-id"])
    report = only(blocked_report(rig))
    finding = check_mutex(report, "iothread io0", lock, owner)
    assert report.target["bql_owner"] == 0
    # A bug of throttle groups shows otherwise: the thread waits for itself.
    assert "d4816177654d" not in [fix["commit"] for fix in finding["known_fixes"]]
    lock.release()
    rig.check_well(disk.ring, 2)


# A loop sleeps on work.


@on("pci-split")
@pytest.mark.parametrize("coroutines", [False, True], ids=["bottom-half", "coroutine"])
def test_loop_sleeps_on_work(rig, coroutines):
    """Something was scheduled, and the loop was not woken for it (b37548fcd in QEMU)."""
    rig.add(*IOTHREAD)
    disk = rig.disk(iothread="io0")
    disk.complete(10)
    context = rig.inside.context_of(rig.path("blk0"))
    if coroutines:
        context["scheduled_coroutines.slh_first"] = context.address  # which nobody follows before it is woken
    else:
        rig.inside.schedule(context)
    report = only(rig.report(status=1))
    finding, loop, _ = check_blocked(report, "iothread io0", "with work to do")
    assert (loop["bottom_halves"], loop["coroutines"]) == ((0, True) if coroutines else (1, False))
    work = ".*coroutines" if coroutines else "1 bottom half"
    check_evidence(finding, rf"^scheduled and not run: {work}.* \(AioContext at {context.address:#x}\)$")
    assert report.states() == {("blk0", 0): "idle"}
    context["scheduled_coroutines.slh_first"] = 0
    rig.vm.qmp.execute("qom-set", path="/objects/io0", property="poll-max-ns", value=0)  # wakes it
    rig.check_well(disk.ring)
