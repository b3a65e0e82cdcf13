"""Numbers for a fleet: from a disk that hangs to the alert, through the programs that a fleet has; and --output."""

import json
import os
import re
import stat
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from hosts import STUCK, hang, host, inner_pids, inspect, start, start_unknown  # noqa: F401 fixtures
from rig import SLOW, GEOMETRY, on
from stuck_requests import qcow2_on_blkdebug, qemu_io, submit

from vqitest.guest import ROOT
from vqitest.monitoring import Alerts, NodeExporter, Prometheus, programs

ALERTS = ROOT / "data/virtq-inspect.rules.yml"
QUEUE = {"device": "blk0", "queue": "0", "role": "request"}


def parse(text):
    """{(name, other labels than vm): number}"""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "vm"}
            found[sample.name.removeprefix("virtq_inspect_"), frozenset(labels.items())] = sample.value
    return found


def number(found, name, **labels):
    """None for one that there is not."""
    return found.get((name, frozenset(labels.items())))


def promtool(*arguments, **more):
    run = subprocess.run([programs() / "promtool", *arguments], capture_output=True, text=True, **more)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout + run.stderr
    return run.stdout


def write(rig, file, status):
    done = rig.inspector.run("--pid", rig.vm.pid, "--format=openmetrics", "--output", file)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    return file.read_text()


def test_alerts():
    assert "8 rules found" in promtool("check", "rules", ALERTS)
    assert "SUCCESS" in promtool("test", "rules", ROOT / "tests/e2e/alerts.test.yml")


@on("pci-split")
def test_from_a_disk_to_an_alert(rig, tmp_path):
    disk = rig.disk(qcow2_on_blkdebug(tmp_path))
    qemu_io(rig, "break write_aio A")
    submit(rig, disk, 1, "write")
    rig.report(status=1).only_finding("request-stuck-in-device", "blk0", 0)
    folder = tmp_path / "textfile"
    folder.mkdir()
    file = folder / "virtq-inspect.prom"
    text = write(rig, file, 1)
    assert promtool("check", "metrics", input=text) == ""

    # As they are, but for how long something must last.
    rules = tmp_path / "rules.yml"
    rules.write_text(re.sub(r"^(        for:) \d+m$", r"\1 0s", ALERTS.read_text(), flags=re.MULTILINE))
    with NodeExporter(folder) as exporter, Alerts() as alerts, Prometheus(tmp_path, exporter, rules, alerts) as prometheus:
        exported = exporter.metrics()
        for line in text.splitlines():
            if line.startswith("virtq_inspect_up"):
                assert line in exported.splitlines()
        assert re.search(r"^node_textfile_scrape_error 0$", exported, re.MULTILINE)
        alert = alerts.wait("VirtqInspectQueueStuck")
        labels = {"vm": str(rig.vm.pid), **QUEUE, "state": "stuck", "severity": "critical", "job": "node"}
        assert labels.items() <= alert["labels"].items()
        assert alert["annotations"]["summary"] == f"{rig.vm.pid}: blk0 queue 0 (request) is stuck"
        ((found, value),) = prometheus.query("virtq_inspect_finding_active")
        about = {"id": "request-stuck-in-device", "severity": "error", "confidence": "confirmed"}
        assert value == 1
        assert {**about, **QUEUE, "vm": str(rig.vm.pid)}.items() <= found.items()
        # All that was written has arrived, and nothing else.
        arrived = prometheus.query('{__name__=~"virtq_inspect_.*"}')
        assert len(arrived) == len(parse(text))

        # The disk goes on, and so the alert ends.
        qemu_io(rig, "resume A")
        disk.ring.wait_used(1)
        disk.ring.reap()
        write(rig, file, 0)
        assert alerts.wait("VirtqInspectQueueStuck", over=True)["startsAt"] == alert["startsAt"]
        assert prometheus.query("sum(virtq_inspect_findings)")[0][1] == 0
    rig.check_well(disk.ring)


@on("pci-split", "mmio-packed")
def test_numbers_are_those_of_the_report(rig):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 3, "write")
    done = rig.inspector.run("--pid", rig.vm.pid, "--format=openmetrics", "--requests")
    assert (done.returncode, done.stderr) == (1, "")
    promtool("check", "metrics", input=done.stdout)
    found = parse(done.stdout)
    report = rig.inspector.report(rig.vm.pid, "--requests", status=1)
    queue = report.queue("blk0", 0)
    for field, name in {
        "num": "queue_size",
        "unseen": "queue_unseen",
        "in_flight": "queue_in_flight",
        "unreaped": "queue_unreaped",
    }.items():
        assert number(found, name, **QUEUE) == queue[field]
    outstanding = 3 * (3 if rig.kind.packed else 1)
    assert number(found, "queue_outstanding", **QUEUE) == outstanding
    assert number(found, "queue_state", state="stuck", **QUEUE) == 1
    assert number(found, "queue_oldest_request_age_seconds", **QUEUE) >= 1
    assert number(found, "findings", id="request-stuck-in-device") == 1
    assert (number(found, "up"), number(found, "exit_status"), number(found, "vm_running")) == (1, 1, 1)
    assert number(found, "inspection_interval_seconds") >= 1
    (target,) = [dict(labels) for name, labels in found if name == "target_info"]
    assert target.pop("layout_source") in ("dwarf", "cache")
    assert target == {name: report.target[name] or "" for name in ("kind", "arch", "qemu_version", "build_id")}


# --output.


@on("pci-split")
def test_output_is_what_would_be_printed(rig, tmp_path):
    rig.disk()
    file = tmp_path / "report"
    for more in (("--verbose",), ("--format=json",)):
        done = rig.inspector.run("--pid", rig.vm.pid, "--once", *more, "--output", file)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        if "json" in more[0]:
            (device,) = json.loads(file.read_text())["devices"]
            assert device["id"] == "blk0"
        else:
            assert "virtio-blk" in file.read_text()
    assert rig.inspector.text(rig.vm.pid, "--once", "--output", "-")


@on("pci-split")
def test_metrics_are_for_all_to_read(rig, tmp_path):
    rig.disk()
    file = tmp_path / "numbers.prom"
    file.write_text("old")
    file.chmod(0o600)
    inode = file.stat().st_ino
    old_umask = os.umask(0o077)
    try:
        write(rig, file, 0)
    finally:
        os.umask(old_umask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert file.stat().st_ino != inode, "it is another file, so that nobody has seen half of it"
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.parametrize("where, status", [("folder", 2), ("missing/file", 3)])
@on("pci-split")
def test_output_that_cannot_be_written(rig, tmp_path, where, status):
    rig.disk()
    (tmp_path / "folder").mkdir()
    said = rig.inspector.fails("--pid", rig.vm.pid, "--once", "--output", tmp_path / where, status=status)
    assert where in said


def test_failure_leaves_the_old_file(inspector, tmp_path):
    file = tmp_path / "numbers.prom"
    file.write_text("old")
    inspector.fails("--pid", os.getpid(), "--format=openmetrics", "--output", file, status=3)
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == [file.name]


# --all.


def by_vm(text):
    """{vm: {name: number}} of those that have no other label."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if set(sample.labels) == {"vm"}:
                name = sample.name.removeprefix("virtq_inspect_")
                found.setdefault(sample.labels["vm"], {})[name] = sample.value
    return found


def test_all_vms_in_one_text(host, start, inspect, tmp_path):  # noqa: F811
    """One that hangs, two of one name, and what cannot be inspected."""
    hang(start(*STUCK, name="web1", memory="64"))
    start(name="twin")
    start(name="twin")
    file = tmp_path / "virtq-inspect.prom"
    start_unknown(start, tmp_path)
    with host.storage_daemon() as daemon:
        stdout, stderr = inspect("--all", "--format=openmetrics", "--output", file, status=1)
        printed, _ = inspect("--all", "--format=openmetrics", status=1)
        number = str(inner_pids(daemon.pid)[1])
    text = file.read_text()
    promtool("check", "metrics", input=text)
    assert stdout == ""
    assert re.fullmatch(r"virtq-inspect: dark \(pid \d+\): [^\n]+\n(.*\n)*", stderr)
    found = by_vm(text)
    assert {vm: (about["up"], about["exit_status"]) for vm, about in found.items()} == {
        "web1": (1, 1),
        "twin": (1, 0),
        "twin#2": (1, 0),
        number: (1, 0),
        "dark": (0, 3),
    }
    # But for when and how long.
    assert {vm: set(about) for vm, about in by_vm(printed).items()} == {vm: set(about) for vm, about in found.items()}
    assert all(about["gaps"] == 0 for about in found.values() if about["up"])
    stuck = [line for line in text.splitlines() if 'state="stuck"' in line and line.endswith(" 1")]
    assert stuck == ['virtq_inspect_queue_state{vm="web1",device="blk0",queue="0",role="request",state="stuck"} 1']
    assert text.count("virtq_inspect_build_info{") == 1


def test_a_host_without_vms(inspect, tmp_path):  # noqa: F811
    """The file is made all the same: an old one would be an alert."""
    file = tmp_path / "virtq-inspect.prom"
    file.write_text("old")
    assert inspect("--all", "--format=openmetrics", "--output", file) == ("", "")
    assert by_vm(file.read_text()) == {}
    assert file.read_text().endswith("# EOF\n")
    promtool("check", "metrics", input=file.read_text())


def test_none_that_can_be_inspected(start, inspect, tmp_path):  # noqa: F811
    start_unknown(start, tmp_path)
    stdout, _ = inspect("--all", "--format=openmetrics", status=3)
    assert by_vm(stdout) == {"dark": {"up": 0, "exit_status": 3}}


@pytest.mark.parametrize("more", [(), ("--format=json",)], ids=["text", "json"])
def test_all_to_a_file(start, inspect, tmp_path, more):  # noqa: F811
    start(name="web1")
    file = tmp_path / "report"
    assert inspect("--all", *more, "--output", file) == ("", "")
    assert file.read_text().count("web1") == 1
    assert file.read_text().endswith("\n")
