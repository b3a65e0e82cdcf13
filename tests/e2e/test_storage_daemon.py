"""A qemu-storage-daemon: its exports' rings are libvhost-user's, and the drivers are in other processes' VMs."""

import json
import os
import re
import signal
import subprocess

import pytest
from exported import FOR_EVER, KINDS, NULL, NUM, QUEUES, client_of, daemon_at, driven, export, hang, nodes, start_driver, wait_taken
from test_wrong_layout import FIELDS, Truth, name

from vqitest import StorageDaemon, qemu_folder
from vqitest.harm import do_no_harm, threads
from vqitest.inspector import Report, check_evidence
from vqitest.watch import Watch

@pytest.fixture
def socket(tmp_path):
    return tmp_path / "disk.sock"


@pytest.fixture
def start(socket):
    """Starts the daemon with such nodes, and harms it not."""
    running = []

    def start(*graph, kind="dwarf", options=()):
        running.append(daemon_at(socket, *options, *nodes(*graph), kind=kind))
        running[-1].__enter__()
        wait_listening(socket, running[-1].process)
        return running[-1]

    yield start
    for daemon in running:
        if daemon.process and daemon.process.poll() is None:
            do_no_harm(daemon.pid)
        daemon.__exit__(None, None, None)


def wait_listening(socket, process):
    while not socket.exists():
        assert process.poll() is None


def check_ring(queue, ring, taken, used):
    """What the driver knows of its ring is what is said of it."""
    assert (queue["num"], queue["ring"]) == (NUM, "split")
    assert queue["avail_idx"] == queue["shadow_avail_idx"] == queue["last_avail_idx"] == taken
    assert queue["used_idx"] == queue["used_ring_idx"] == used
    assert queue["inuse"] == queue["in_flight"] == taken - used
    places = queue["vring"]
    assert [int(places[part], 16) for part in ("desc", "avail", "used")] == [ring.desc, ring.avail, ring.used]


def add_export(daemon, socket):
    """e1, of node n1."""
    address = {"type": "unix", "path": str(socket)}
    export = {"type": "vhost-user-blk", "id": "e1", "node-name": "n1", "addr": address, "num-queues": QUEUES, "writable": True}
    daemon.qmp.execute("block-export-add", **export)


# ---- what is stuck ----


@pytest.mark.parametrize("source", KINDS)
def test_requests_that_hang(start, socket, inspector, source):
    daemon = start(FOR_EVER, kind=source)
    with driven(socket) as disk:
        heads = {disk.read(8 * i): 8 * i for i in range(4)}
        written = disk.write(1024, 2)
        disk.ring.publish()
        disk.ring.kick()
        wait_taken(disk.ring)
        report = inspector.report(daemon.pid, "--no-cache", "--requests", "--stacks", status=1)
    finding = report.only_finding("request-stuck-in-device", "e0", 0)
    assert finding["summary"].startswith("5 requests taken and not completed for ")
    assert finding["summary"].endswith("they are in the block layer, node n0")
    check_evidence(finding, "^the iothread io0 listens for its kicks", r"\(VuVirtq at 0x", "^node n0, driver null-co: ")

    target = report.target
    assert (target["kind"], target["layout_source"], target["run_state"]) == ("storage-daemon", "dwarf" if source == "dwarf" else "profile", None)
    assert re.match(r"\d+\.\d+\.\d+", target["qemu_version"])
    device = report.device("e0")
    assert (device["type"], device["qom_path"], device["status"], device["vhost"]) == ("virtio-blk", None, None, None)
    assert device["export"] == {"type": "vhost-user-blk", "connected": True}
    assert device["features"]["names"] == ["VIRTIO_RING_F_EVENT_IDX", "VIRTIO_F_VERSION_1"]
    assert [queue["state"] for queue in device["queues"]] == ["stuck", "idle"]
    queue = device["queues"][0]
    check_ring(queue, disk.ring, 5, 0)
    assert queue["served_by"]["thread"] == "iothread io0"
    assert queue["served_by"]["tid"] in threads(daemon.pid)

    found = {request["head"]: request for request in queue["requests"]}
    assert set(found) == {*heads, written}
    for head, sector in heads.items():
        assert (found[head]["kind"], found[head]["detail"]["sector"]) == ("read", sector)
    assert (found[written]["kind"], found[written]["detail"]["sector"]) == ("write", 1024)
    for request in found.values():
        assert not request["candidate"]
        functions = [frame["function"] for frame in request["stack"]]
        # Which a stripped program exports.
        assert {"virtio_blk_process_req", "blk_co_preadv", "blk_co_pwritev"} & set(functions)
        if source == "dwarf":
            assert "vu_blk_virtio_process_req" in functions
            assert {"null_co_preadv", "null_co_pwritev"} & set(functions)


def test_throttled(start, socket, inspector):
    """Some are completed, the others wait: where, the throttle group tells."""
    group = ("--object", "throttle-group,id=g0,x-iops-total=1")
    daemon = start(NULL.replace("n0", "file"), "throttle,node-name=n0,file=file,throttle-group=g0", options=group)
    with driven(socket) as disk:
        disk.submit(6)
        disk.ring.wait_used(1)
        report = inspector.report(daemon.pid, "--once")
        queue = report.queue("e0", 0)
        assert queue["state"] == "busy"
        assert queue["last_avail_idx"] == 6
        assert 1 <= queue["used_idx"] < 6
        (backend,) = report.device("e0")["backends"]
        assert backend["block"]["nodes"][0]["throttle_group"] == "g0"
        assert backend["block"]["nodes"][0]["throttled"] >= 1


def test_kick_that_never_came(start, socket, inspector):
    daemon = start(NULL)
    with driven(socket) as disk:
        disk.complete(10)
        disk.read()
        disk.ring.publish()
        finding = inspector.report(daemon.pid, status=1).only_finding("device-not-notified", "e0", 0)
        check_evidence(finding, "^a kick was due: avail_event is ", "^kick eventfd [0-9]+: count 0, ")
        disk.ring.kick()
        disk.ring.wait_used(1)


def test_completions_that_are_not_reaped(start, socket, inspector):
    """The VM may be paused, and only its QEMU knows."""
    daemon = start(NULL)
    with driven(socket) as disk:
        disk.complete(10)
        disk.submit(4)
        disk.ring.wait_used(4)
        finding = inspector.report(daemon.pid, status=0).only_finding(
            "completion-not-seen", "e0", 0, severity="warning", confidence="candidate"
        )
        assert "inspect the QEMU that is its client" in finding["next_step"]
        inspector.report(disk.vm.pid, status=1).only_finding("completion-not-seen", "vu0", 0)
        disk.ring.reap()


def test_two_clients(start, socket, inspector, tmp_path):
    """One of them hangs."""
    daemon = start(NULL, FOR_EVER.replace("n0", "n1"))
    other = tmp_path / "other.sock"
    add_export(daemon, other)
    with driven(socket) as well, driven(other) as disk:
        well.complete(20)
        hang(disk, 2)
        report = inspector.report(daemon.pid, status=1)
        report.only_finding("request-stuck-in-device", "e1", 0)
        check_ring(report.queue("e0", 0), well.ring, 20, 20)
        check_ring(report.queue("e1", 0), disk.ring, 2, 0)
        # A client that is killed leaves its requests.
        disk.vm.process.kill()
        disk.vm.process.wait()
        well.complete(20)
        report = inspector.report(daemon.pid, status=None)
        check_ring(report.queue("e0", 0), well.ring, 40, 40)
        assert "e0" not in [finding["device"] for finding in report.findings]
    with driven(socket) as again:
        again.complete(5)
        check_ring(inspector.report(daemon.pid, "-d", "e0").queue("e0", 0), again.ring, 5, 5)


def test_reset_with_a_request_in_flight(start, socket, inspector):
    """It is counted on, and no leak; then it is completed into the ring of the next driver."""
    daemon = start(f"{NULL},latency-ns={10 * 10**9}")
    with driven(socket) as disk:
        hang(disk)
        disk.vm.qmp.execute("system_reset")
        disk.vm.qmp.wait_event("RESET")
        for index in (disk.ring.avail + 2, disk.ring.used + 2):  # which a reset leaves in memory
            disk.bus.writew(index, 0)
        disk = start_driver(disk.vm)
        report = inspector.report(daemon.pid, "--no-cache")
        finding = report.only_finding("requests-left-behind", "e0", severity="warning")
        assert finding["summary"] == "1 request taken before its client reset the queue is still in the back end"
        check_evidence(finding, "^queue 0: inuse 1 ", "^node n0, driver null-co: in_flight ")
        # The new driver's hang is no less one.
        hang(disk)
        report = inspector.report(daemon.pid, "--no-cache", status=1)
        assert [found["id"] for found in report.findings] == ["request-stuck-in-device", "requests-left-behind"]
        disk.ring.wait_used(1)
        assert inspector.report(daemon.pid, "--no-cache", "--once", status=None).queue("e0", 0)["inuse"] <= 1


def test_client_that_leaves_requests(start, socket, inspector):
    """Paused, it has stopped its queues; then it is gone."""
    daemon = start(FOR_EVER)
    with driven(socket) as disk:
        hang(disk, 2)
        disk.vm.qmp.execute("stop")
        for look in range(2):
            report = inspector.report(daemon.pid)
            finding = report.only_finding("requests-left-behind", "e0", severity="warning")
            assert finding["summary"] == "2 requests taken before its client stopped, or left, are still in the back end"
            assert "BlockBackend" in " ".join(finding["evidence"])
            if not look:
                disk.vm.qmp.execute("quit")
                disk.vm.process.wait()


def test_without_an_object(socket, inspector):
    """The root of all objects is made with the first: there is a main loop all the same."""
    program = qemu_folder() / StorageDaemon.program
    command = [program, "--blockdev", NULL, "--export", export(socket).replace("iothread=io0,", "")]
    with subprocess.Popen(command) as process:
        try:
            wait_listening(socket, process)
            with driven(socket) as disk:
                disk.complete(10)
                report = inspector.report(process.pid)
                report.assert_healthy()
                assert report.queue("e0", 0)["served_by"] == {"thread": "main loop", "tid": process.pid, "name": "qemu-storage-da"}
                do_no_harm(process.pid)
        finally:
            process.kill()


def test_daemon_that_is_stopped(start, socket, inspector):
    daemon = start(NULL)
    with driven(socket) as disk:
        os.kill(daemon.pid, signal.SIGSTOP)
        while not all(status["State"].startswith("T") for status in threads(daemon.pid).values()):
            pass
        disk.submit(2)
        report = inspector.report(daemon.pid, status=0)
        finding = report.only_finding("vm-paused", severity="note")
        assert finding["summary"] == "the process is stopped by a signal such as SIGSTOP"
        assert not any("run state" in line for line in finding["evidence"])
        assert report.queue("e0", 0)["state"] == "paused"
        os.kill(daemon.pid, signal.SIGCONT)
        disk.ring.wait_used(2)


# ---- what is well ----


def test_from_no_client_to_none(start, socket, inspector):
    daemon = start(NULL)

    def look(words):
        report = inspector.report(daemon.pid)
        report.assert_healthy()
        assert words in inspector.text(daemon.pid)
        return report.device("e0")

    assert look("1 export without a client")["export"]["connected"] is False
    with driven(socket) as disk:
        disk.complete(300)
        device = look("idle: 0-1 request")
        assert device["export"]["connected"] is True
        check_ring(device["queues"][0], disk.ring, 300, 300)
        disk.vm.qmp.execute("stop")
        assert look("its client has started no queue")["started"] is False
        disk.vm.qmp.execute("cont")
        disk.complete(7)
        check_ring(look("idle: 0-1 request")["queues"][0], disk.ring, 307, 307)
    device = look("1 export without a client")
    assert (device["export"]["connected"], device["queues"]) == (False, [])


@pytest.mark.parametrize("source", KINDS)
def test_linux_under_load(start, socket, inspector, source):
    daemon = start(NULL, kind=source)
    with client_of(socket, guest=True) as vm:
        vm.guest.wait_ready()
        vm.guest.spawn("while :; do dd if=/dev/vda of=/dev/null bs=64k count=64 iflag=direct; done")
        for options in (["--interval=0.1"], ["--interval=0.1", "--stop=always"]):
            for _ in range(8):
                inspector.report(daemon.pid, *options).assert_healthy()
        before = inspector.report(daemon.pid, "--once").queue("e0", 0)["used_idx"]
        vm.guest.check("dd if=/dev/vda of=/dev/null bs=4k count=16 iflag=direct")
        assert inspector.report(daemon.pid, "--once").queue("e0", 0)["used_idx"] != before


def test_chosen(start, socket, inspector):
    daemon = start(NULL)
    with driven(socket):
        for chosen in ("e0", "n0", "virtio-blk0", "virtio-blk"):
            (device,) = inspector.report(daemon.pid, "--device", chosen).devices
            assert device["id"] == "e0"
        (queue,) = inspector.report(daemon.pid, "--queue=1").device("e0")["queues"]
        assert queue["index"] == 1
        stderr = inspector.fails("--pid", daemon.pid, "--device=x", status=2)
        assert "'x' matches nothing; there are: e0 (virtio-blk0)" in stderr


def test_nothing_is_exported(inspector):
    with StorageDaemon("--blockdev", NULL) as daemon:
        report = inspector.report(daemon.pid)
        report.assert_healthy()
        assert report.devices == []
        assert "no exports by vhost-user" in inspector.text(daemon.pid)
        do_no_harm(daemon.pid)


# ---- later, and elsewhere ----


def test_watch(start, socket, inspector, tmp_path):
    """Exports come and go, a client too; what hangs then is told once."""
    daemon = start(NULL, f"{FOR_EVER.replace('n0', 'n1')}")
    other = tmp_path / "other.sock"
    with Watch(inspector, daemon.pid, interval=0.05) as watch:
        watch.head()
        add_export(daemon, other)
        watch.until("e1")
        daemon.qmp.execute("block-export-del", id="e0")
        watch.until("e0.*(gone|unplugged)")
    with Watch(inspector, daemon.pid, "--until-stuck", interval=0.05) as watch:
        watch.head()
        with driven(other) as disk:
            hang(disk)
            watch.until("e1 queue 0.*request-stuck-in-device")
            assert watch.end(1) == ""
    with Watch(inspector, daemon.pid, interval=0.05) as watch:
        watch.head()
        daemon.process.kill()
        watch.end(0)


@pytest.mark.parametrize("source", KINDS)
def test_recorded(start, socket, inspector, tmp_path, source):
    """Equal to the byte when the daemon has ended."""
    daemon = start(FOR_EVER, kind=source)
    file = tmp_path / "recording"
    options = ("--requests", "--stacks", "-v")
    with driven(socket) as disk:
        hang(disk, 3)
        done = inspector.run("--pid", daemon.pid, *options, "--record", file)
        assert (done.returncode, done.stderr) == (1, "")
    daemon.__exit__(None, None, None)
    again = inspector.run("--replay", file, "-v")
    assert (again.returncode, again.stderr, again.stdout) == (1, "", done.stdout)


@pytest.mark.parametrize("source", KINDS)
def test_core(start, socket, inspector, tmp_path, source):
    daemon = start(FOR_EVER, kind=source)
    with driven(socket) as disk:
        hang(disk, 3)
        live = inspector.report(daemon.pid, "--once", "--requests", "--stacks")
        subprocess.run(["gcore", "-o", tmp_path / "core", str(daemon.pid)], capture_output=True, check=True, timeout=120)
    core = tmp_path / f"core.{daemon.pid}"
    done = inspector.run("--core", core, "--requests", "--stacks", "--format=json")
    report = Report(done.stdout, 4)
    assert report.target["kind"] == "storage-daemon"
    ours, theirs = report.queue("e0", 0), live.queue("e0", 0)
    for member in ("vq_addr", "last_avail_idx", "used_idx", "inuse"):
        assert ours[member] == theirs[member], member
    heads = [[request["head"] for request in queue["requests"]] for queue in (ours, theirs)]
    assert heads[0] == heads[1] == [0, 3, 6]
    stacks = [[frame["function"] for frame in queue["requests"][0]["stack"]] for queue in (ours, theirs)]
    assert stacks[0] == stacks[1] and len(stacks[0]) > 5
    core.unlink()


def test_bug_report(start, socket, inspector, tmp_path):
    daemon = start(FOR_EVER)
    file = tmp_path / "report.md"
    with driven(socket) as disk:
        hang(disk)
        assert inspector.run("--pid", daemon.pid, "--report", file).returncode == 1
    text = file.read_text()
    assert text.startswith("## Verdict: request-stuck-in-device\n")
    assert re.search(r"^\| qemu-storage-daemon \| `\d+\.", text, re.MULTILINE)
    assert "- exported by vhost-user\n  - `e0`, `virtio-blk`, 2 queues, " in text
    assert "run state" not in text
    assert f"addr.path={socket}" in text


# ---- layouts ----

OF_EXPORTS = {"BlockExport", "VuBlkExport", "VuServer", "VuDev", "VuDevRegion", "VuVirtq", "VuRing"}
# Bytes near these are of no use to anyone, and 0; a queue is no worse without.
UNPROVEN = {"VuVirtq.signalled_used_valid", "VuDev.broken", "VuDev.protocol_features"}


@pytest.mark.parametrize("by", [-8, -4, -2, -1, 1, 2, 4, 8])
def test_wrong_offset(start, socket, inspector, tmp_path, by):
    """As test_wrong_layout.py has it of a QEMU: nothing is said that is not so."""
    daemon = start(FOR_EVER)
    path = tmp_path / "profile.json"
    inspector.text(daemon.pid, "--no-cache", "--export-layout", path)
    with driven(socket) as disk:
        hang(disk, 3)
        truth = Truth(daemon, inspector, json.loads(path.read_text()), tmp_path)
        fields = [(structure, field) for structure, field, _ in FIELDS if structure in OF_EXPORTS]
        assert len(fields) > 40
        wrong = [
            line
            for structure, field in fields
            if name(structure, field) not in UNPROVEN and truth.offset(structure, field) is not None
            for line in truth.hold(structure, field, by)
        ]
    assert not wrong, "\n".join(wrong)


def test_unknown_build(start, few):
    """Without debug information and without a profile."""
    stderr = few.fails("--pid", start(NULL, kind="profile").pid, status=3)
    assert "no layout profile fits" in stderr
    assert "qemu-system-common-dbgsym" in stderr
