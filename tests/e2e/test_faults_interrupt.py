"""Completions that the driver does not pick up: interrupts that were sent, masked, without a vector, or not sent."""

import pytest
from gdb_oracle import check_with_gdb
from rig import NULL, on, on_all

from vqitest.driver import Disk
from vqitest.inspector import check_evidence
from vqitest.packed import DESC
from vqitest.ring import NO_INTERRUPT

on_pci = on("pci-split", "pci-packed")


def complete_unseen(rig, disk, count=3):
    """So many requests are done, and the driver does not come for them."""
    disk.submit(count, "flush")
    disk.ring.wait_used(count)
    # A packed ring counts descriptors, of which a flush has two.
    count = 2 * count if rig.kind.packed else count
    rig.expect(disk.ring, state="stuck", unreaped=count, interrupt_due=True)
    return count


def check_due(rig, finding):
    """Why an interrupt was due."""
    if rig.kind.packed:
        check_evidence(finding, r"^the driver asked for an interrupt at descriptor \d+, wrap [01]; the device is at \d+, wrap ")
    else:
        rig.check_in_memory(finding, r"^used_event (\d+) \(at (0x[0-9a-f]+)\): the used index has passed it, it is \d+$")
    check_evidence(finding, r"^signalled_used \d+: ", "^no index moved over 1", r"^shadow_avail_idx \d+, ")


def interrupt_of(report):
    return report.device("blk0")["interrupt"]


# Sent.


@on_all
def test_completion_not_seen(rig):
    """The device is done and interrupted; the driver, which had asked for it, does not come. Its index wraps meanwhile."""
    disk = rig.disk(num=1024)
    disk.complete(65534)
    count = complete_unseen(rig, disk)
    report = rig.report(status=1)
    finding = report.only_finding("completion-not-seen", "blk0", 0)
    assert finding["summary"] == f"{count} completions that the driver has not picked up and was due an interrupt for"
    check_due(rig, finding)
    check_evidence(finding, r"^ISR status 0x1 \(VirtIODevice at 0x[0-9a-f]+\)$")
    assert interrupt_of(report)["isr"] == 1
    if rig.is_pci:
        check_evidence(finding, "^MSI-X vector 1: not masked, not pending$")
        assert report.queue("blk0", 0)["msix"] == {"masked": False, "pending": False, "irqfd_users": None}
    for vcpu in rig.vm.qmp.execute("query-cpus-fast"):
        check_evidence(finding, rf"^vCPU {vcpu['cpu-index']} is (not )?halted$", rf"^thread {vcpu['thread-id']}, vCPU ")
    disk.ring.reap()
    rig.check_well(disk.ring)


@on_pci
def test_completion_not_seen_by_pin(rig):
    """No vector is no fault while the device interrupts by a pin."""
    disk = rig.disk(vectors=False)
    disk.complete(1)
    complete_unseen(rig, disk)
    rig.expect(disk.ring, state="stuck", vector=0xFFFF)
    report = rig.report(status=1)
    finding = report.only_finding("completion-not-seen", "blk0", 0)
    check_evidence(finding, "^INTx: asserted$", "^ISR status 0x1 ")
    expected = {"isr": 1, "msix_enabled": False, "intx_asserted": True, "intx_disabled": False}
    assert expected.items() <= interrupt_of(report).items()
    check_with_gdb(report, rig.vm.pid)
    disk.ring.reap()
    rig.drivers["blk0"].transport.acknowledge_interrupt()
    rig.check_well(disk.ring)


@on("mmio-legacy", "pci-split")
def test_used_event_left_behind(rig):
    """The driver polled and did not say how far it is: nobody can tell that from a lost interrupt."""
    disk = rig.disk()
    disk.complete(2)
    disk.ring.interrupts = False
    disk.complete(3)
    rig.expect(disk.ring, state="stuck", unreaped=3, used_event=2)
    finding = rig.report(status=1).only_finding("completion-not-seen", "blk0", 0)
    rig.check_in_memory(finding, r"^used_event (2) \(at (0x[0-9a-f]+)\): the used index has passed it, it is 5$")
    disk.ring.set_used_event(5)
    rig.check_well(disk.ring)


# Masked.


@on_pci
@pytest.mark.parametrize("whole", [True, False], ids=["function", "vector"])
def test_interrupt_masked(rig, whole):
    disk = rig.disk()
    disk.complete(1)
    msix = rig.drivers["blk0"].transport.msix
    mask = msix.mask_all if whole else lambda masked=True: msix.mask(1, masked)
    mask()
    count = complete_unseen(rig, disk)
    disk.bus.wait(lambda: msix.pending(1), "the interrupt is pending")
    rig.expect(disk.ring, state="stuck", vector=1)
    report = rig.report(status=1)
    finding = report.only_finding("interrupt-masked", "blk0", 0)
    what = "all interrupts of the device are masked" if whole else "its interrupt vector is masked"
    assert finding["summary"] == f"{count} completions that the driver has not picked up; {what}"
    check_due(rig, finding)
    check_evidence(finding, f"^MSI-X vector 1: {'not masked' if whole else 'masked'}, pending$", "^ISR status 0x1 ")
    assert interrupt_of(report)["msix_function_masked"] is whole
    assert report.queue("blk0", 0)["msix"] == {"masked": not whole, "pending": True, "irqfd_users": None}
    check_with_gdb(report, rig.vm.pid)
    mask(False)
    disk.ring.reap()
    rig.check_well(disk.ring)


@on_pci
def test_queue_without_a_vector(rig):
    """The driver uses MSI-X, and gave this queue no vector: it may poll, so that is no error."""
    rig.add("-blockdev", NULL)
    rig.add_device("blk", "blk0", drive="d0", num_queues=1)
    rig.boot()
    driver = rig.drive("blk0", {0: 64}, vectors=False)
    driver.transport.msix.enable()
    disk = Disk(driver)
    disk.complete(1)
    count = complete_unseen(rig, disk)
    report = rig.report(status=0)
    finding = report.only_finding("interrupt-masked", "blk0", 0, severity="warning", confidence="candidate")
    assert finding["summary"] == f"{count} completions that the driver has not picked up; the queue has no interrupt vector"
    check_due(rig, finding)
    check_evidence(finding, r"^the queue has no vector \(0xffff\)$")
    queue = report.queue("blk0", 0)
    assert (queue["vector"], queue["msix"]["masked"], queue["state"]) == (0xFFFF, None, "stuck")
    disk.ring.reap()
    rig.check_well(disk.ring)


# Not sent.


@on("mmio-legacy", "pci-split")
def test_interrupt_undecided(rig):
    """QEMU's own note of where it decided last is before the place that the driver asked for."""
    disk = rig.disk()
    disk.complete(2)
    complete_unseen(rig, disk)
    queue = rig.vq(disk.ring)
    assert (queue["signalled_used"], queue["signalled_used_valid"]) == (5, 1)
    queue["signalled_used"] = 2
    rig.expect(disk.ring, state="stuck", signalled_used=2)
    finding = rig.report(status=1).only_finding("interrupt-suppressed", "blk0", 0)
    summary = "3 completions that the driver has not picked up; it was due an interrupt, and the device has not decided on it"
    assert finding["summary"] == summary
    check_due(rig, finding)
    check_evidence(finding, "^used_event 2 .* it is 5$", "^signalled_used 2: ")
    queue["signalled_used"] = 5
    disk.ring.reap()
    rig.check_well(disk.ring)


@on_pci
def test_interrupt_never_sent(rig):
    """As if QEMU had read what the driver asks for too early (159793ac867b in DPDK)."""
    disk = rig.disk()
    ask_later(rig, disk)
    disk.submit(3, "flush")
    disk.ring.wait_used(3)
    assert rig.inside.devices()[rig.path("blk0")]["isr"] == 0
    ask_now(rig, disk)
    count = 6 if rig.kind.packed else 3
    rig.expect(disk.ring, state="stuck", unreaped=count, interrupt_due=True)
    report = rig.report(status=1)
    finding = report.only_finding("interrupt-suppressed", "blk0", 0)
    summary = f"{count} completions that the driver has not picked up; it was due an interrupt, and the device has not sent any"
    assert finding["summary"] == f"{summary} since it was reset"
    check_due(rig, finding)
    check_evidence(finding, "^MSI-X vector 1: not masked, not pending$", "^ISR status 0x0 ")
    assert interrupt_of(report)["isr"] == 0
    disk.ring.reap()
    rig.check_well(disk.ring)


def ask_later(rig, disk):
    """For an interrupt at a place that the device does not come to. It gives one the first time, whatever it is asked."""
    queue = rig.vq(disk.ring)
    queue["signalled_used_valid"] = 1
    if rig.kind.packed:
        disk.ring.set_driver_event(1 << 15 | 100, DESC)
    else:
        queue["signalled_used"] = 0xFFFF
        disk.ring.set_used_event(100)


def ask_now(rig, disk):
    if rig.kind.packed:
        disk.ring.set_driver_event(1 << 15, DESC)
    else:
        disk.ring.set_used_event(0)


# Not asked for: nothing is found.


@on("mmio-split", "pci-split")
def test_no_interrupt_wanted(rig):
    """Without EVENT_IDX nobody can see how far the driver is, and it has said that it wants no interrupt."""
    disk = rig.disk(event_idx=False)
    disk.complete(2)
    disk.ring.disable_interrupts()
    disk.submit(3, "flush")
    disk.ring.wait_used(3)
    rig.expect(disk.ring, state="idle", avail_flags=NO_INTERRUPT, unreaped=None, interrupt_due=False)
    rig.report(status=0).assert_healthy()


@on("mmio-packed", "pci-packed")
def test_interrupt_asked_for_later(rig):
    """The driver event structure names a descriptor that is not used yet."""
    disk = rig.disk()
    disk.complete(1)
    later = disk.ring.reaped.copy()
    later.advance(20)
    disk.ring.set_driver_event(later.off_wrap, DESC)
    disk.submit(3)
    disk.ring.wait_used(3)
    rig.report(status=0).assert_healthy()
