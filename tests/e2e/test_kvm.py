"""Real irqfds and ioeventfds: QEMU under KVM, with a guest that is nothing but the driver of a disk.

How interrupts stand is looked up in QEMU by gdb, in the kernel by fdinfo, and in the guest's interrupt controller.
"""

import pytest
from oracle import QmpOracle, check_queue
from vqitest.kvm import KvmQemu, why_no_kvm

IOTHREAD = ("-object", "iothread,id=io0")

by_event_loop = pytest.mark.parametrize("properties", ["", ",iothread=io0"], ids=["main-loop", "iothread"])


class Case:
    """A guest that has done what it was told, and what is true of its queue."""

    def __init__(self, vm, inspector):
        self.vm = vm
        self.inspector = inspector
        self.oracle = QmpOracle(vm.qmp)
        self.facts = None

    def queue(self):
        return self.oracle.queue(self.vm.PATH, 0)

    def look(self, missed=False):
        """By other means than the program. missed: the device has interrupted, or is about to, and is not heard."""
        if missed:
            self.vm.wait(lambda: self.queue()["signalled_used"] == 2, "the device has interrupted")
        self.facts = self.vm.interrupts()
        if missed:
            self.vm.wait(self.is_pending, "the interrupt is kept")
        assert self.vm.qmp.execute("query-kvm") == {"enabled": True, "present": True}
        assert self.facts["vector"] == self.vm.VECTOR
        assert self.facts["msix"]["enabled"]

    def is_pending(self):
        """An irqfd of a masked vector is disconnected, and then its eventfd keeps what the pending bit would keep.

        QEMU moves it to that bit when the guest looks there (hw/virtio/virtio-pci.c, virtio_pci_vector_poll()).
        """
        return self.facts["msix"]["pending"] or self.count("guest_notifier") == 1

    def count(self, notifier):
        return self.vm.eventfd(self.facts[notifier])[0]

    def check_fast_paths(self):
        assert self.facts["has_ioeventfd"]
        # Masked or not: this counts the queues that have the vector.
        assert self.facts["irqfd_users"] == 1
        assert self.count("host_notifier") == 0, "all kicks are read"

    def expect(self, published, used, reaped, status, state):
        """What the program says, after it was compared with all that is known."""
        report = self.inspector.report(self.vm.pid, status=status)
        self.oracle.check_report(report)
        queue = report.queue("blk0", 0)
        check_queue(
            queue,
            {
                "ring": "split",
                "num": self.vm.NUM,
                "vring": self.vm.ring,
                "avail_idx": published,
                "shadow_avail_idx": used,
                "last_avail_idx": used,
                "used_idx": used,
                "used_ring_idx": used,
                "used_event": reaped,
                "avail_event": used,
                "inuse": 0,
                "unseen": published - used,
                "in_flight": 0,
                "unreaped": used - reaped,
                "vector": self.vm.VECTOR,
                "state": state,
            },
        )
        self.check_interrupts(report.device("blk0")["interrupt"], queue)
        return report

    def check_interrupts(self, interrupt, queue):
        msix = self.facts["msix"]
        assert interrupt["isr"] == self.facts["isr"]
        assert interrupt["msix_enabled"] == msix["enabled"]
        assert interrupt["msix_function_masked"] == msix["function_mask"]
        users = self.facts["irqfd_users"]
        check_some(queue["msix"], {"masked": msix["vector_mask"], "pending": msix["pending"], "irqfd_users": users})
        for name in ("host_notifier", "guest_notifier"):
            fd = self.facts[name]
            if fd is not None:
                count, number = self.vm.eventfd(fd)
                check_some(queue[name], {"fd": fd, "count": count, "id": number})
        # The program looks for it only where a kick may be lost.
        assert queue["host_notifier"]["ioeventfd"] in (self.facts["has_ioeventfd"], None)


def check_some(found, expected):
    assert {name: found[name] for name in expected} == expected


@pytest.fixture
def boot(machines, inspector):
    if why_no_kvm():
        pytest.skip(why_no_kvm())

    def boot(mode, properties="", **more):
        arguments = IOTHREAD if "iothread" in properties else ()
        vm = machines.start(mode, *arguments, kind=KvmQemu, properties=properties, **more)
        vm.wait_ready()
        return Case(vm, inspector)

    return boot


# All is well.


@by_event_loop
def test_idle(boot, properties):
    case = boot("idle", properties)
    case.look()
    case.check_fast_paths()
    assert case.count("guest_notifier") == 0, "the kernel has read it"
    case.expect(published=1, used=1, reaped=1, status=0, state="idle").assert_healthy()


@by_event_loop
def test_masked_while_idle(boot, properties):
    """As a driver does that polls for a while. No interrupt is missed when nothing happens."""
    case = boot("masked-idle", properties)
    case.look()
    case.check_fast_paths()
    assert case.facts["msix"]["vector_mask"] and not case.is_pending()
    case.expect(published=1, used=1, reaped=1, status=0, state="idle").assert_healthy()


@by_event_loop
def test_unmasked_again(boot, properties):
    """The guest has had the interrupt that came while the vector was masked.

    The eventfd may still have its count: KVM, when it connects an irqfd and finds it set, interrupts, but does not
    read it (Linux, virt/kvm/eventfd.c, kvm_irqfd_assign()).
    """
    case = boot("unmasked", properties)
    case.look()
    case.check_fast_paths()
    assert not case.facts["msix"]["vector_mask"] and not case.facts["msix"]["pending"]
    assert case.vm.pending_interrupts() == set()
    case.expect(published=2, used=2, reaped=2, status=0, state="idle").assert_healthy()


# Before the device.


@by_event_loop
def test_not_notified(boot, properties):
    case = boot_unkicked(boot, properties)
    case.look()
    case.check_fast_paths()
    report = case.expect(published=2, used=1, reaped=1, status=1, state="stuck")
    report.only_finding("device-not-notified", "blk0", 0)
    queue = report.queue("blk0", 0)
    assert queue["host_notifier"]["ioeventfd"] is True
    assert queue["host_notifier"]["handler"] == "ready"
    assert queue["served_by"]["thread"] == ("iothread io0" if properties else "main loop")


def boot_unkicked(boot, properties):
    """The device may have an older kick to read, or still poll, and then finds the request nevertheless: begin anew."""
    for _ in range(20):
        case = boot("unkicked", properties)
        if case.queue()["last_avail_idx"] == 1:
            return case
    raise AssertionError("the device always finds the request")


# After the device.


@by_event_loop
def test_completion_not_seen(boot, properties):
    check_not_seen(boot("unreaped", properties))


def test_completion_not_seen_on_another_machine(boot):
    check_not_seen(boot("unreaped", machine="pc"))


@by_event_loop
def test_completion_not_seen_after_unmasking(boot, properties):
    """What the eventfd may still have, see above, is no interrupt that waits there: it has come."""
    report = check_not_seen(boot("unmasked-unreaped", properties))
    assert "eventfd" not in report.findings[0]["summary"]


def check_not_seen(case):
    """The interrupt has come to the processor, which does not take it."""
    case.look()
    case.check_fast_paths()
    assert case.vm.pending_interrupts() == {case.vm.INTERRUPT}
    assert not case.facts["msix"]["pending"] and not case.facts["msix"]["vector_mask"]
    report = case.expect(published=2, used=2, reaped=1, status=1, state="stuck")
    report.only_finding("completion-not-seen", "blk0", 0)
    return report


@by_event_loop
@pytest.mark.parametrize("mode", ["masked", "masked-function", "pending"])
def test_interrupt_masked(boot, properties, mode):
    case = boot(mode, properties)
    case.look(missed=True)
    case.check_fast_paths()
    msix = case.facts["msix"]
    assert (msix["vector_mask"], msix["function_mask"]) == (mode != "masked-function", mode == "masked-function")
    assert msix["pending"] or mode != "pending"
    assert case.vm.pending_interrupts() == set()
    report = case.expect(published=2, used=2, reaped=1, status=1, state="stuck")
    report.only_finding("interrupt-masked", "blk0", 0)


# Without fast paths: KVM alone changes nothing.


@pytest.mark.parametrize("mode", ["idle", "unreaped", "masked"])
def test_without_ioeventfd(boot, mode):
    case = boot(mode, ",ioeventfd=off")
    case.look(missed=mode == "masked")
    assert not case.facts["has_ioeventfd"] and case.facts["irqfd_users"] is None
    assert case.facts["msix"]["pending"] == (mode == "masked")
    if mode == "idle":
        case.expect(published=1, used=1, reaped=1, status=0, state="idle").assert_healthy()
        return
    report = case.expect(published=2, used=2, reaped=1, status=1, state="stuck")
    report.only_finding("interrupt-masked" if mode == "masked" else "completion-not-seen", "blk0", 0)
