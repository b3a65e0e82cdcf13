"""Network cards whose drivers have posted no buffers to receive into. The other card on the hub, the test's, sends packets."""

from rig import on

from vqitest.inspector import check_evidence
from vqitest.ring import Buffer

# A virtio-net header and a broadcast of a protocol that nobody knows.
PACKET = bytes(12) + b"\xff" * 6 + b"\x52\x54\x00\x12\x34\x57" + b"\x88\xb5" + bytes(46)


class Cards:
    def __init__(self, rig):
        for name in ("net0", "net1"):
            rig.add("-netdev", f"hubport,id=hub-{name},hubid=0")
            rig.add_device("net", name, netdev=f"hub-{name}")
        rig.boot()
        self.bus = rig.bus
        self.card = rig.drive("net0", {0: 64, 1: 64})
        self.sender = rig.drive("net1", {0: 64, 1: 64})
        self.ring = self.card.rings[0]
        self.sent = self.sender.rings[1]
        self._packet = self.bus.allocate(len(PACKET))
        self.bus.write(self._packet, PACKET)

    def post(self, count):
        self.card.post_buffers(0, count, 1526)
        self.ring.publish()
        self.ring.kick()

    def submit(self, count):
        for _ in range(count):
            self.sent.add(Buffer(self._packet, len(PACKET), False))
        self.sent.publish()
        self.sent.kick()

    def send(self, count):
        """So many packets. The hub takes one that the card does not want, and no more."""
        self.submit(count)
        self.sent.wait_used(count)
        self.sent.reap()

    def receive(self, count):
        self.ring.wait_used(count)
        self.ring.reap()


def check_starved(rig, cards, packets, confidence="confirmed"):
    rig.expect(cards.ring, state="idle", waiting_packets=packets)
    report = rig.report(status=0)
    finding = report.only_finding("rx-starved", "net0", 0, severity="warning", confidence=confidence)
    waiting = ", and packets wait" if packets else ""
    assert finding["summary"] == f"the driver has posted no buffers to receive into{waiting}"
    check_evidence(finding, f"^{packets} packet{'' if packets == 1 else 's'} queued for it in QEMU$", "^no index moved over 1")
    return finding


@on("pci-split", "pci-packed", "mmio-split")
def test_starved(rig):
    """The buffers that there were are used up, and packets wait for more."""
    cards = Cards(rig)
    cards.post(2)
    cards.send(2)
    cards.receive(2)
    cards.send(1)
    check_starved(rig, cards, 1)
    # When the driver posts new ones, the packet arrives, and nothing is found any more.
    cards.post(3)
    cards.receive(1)
    rig.report(status=0).assert_healthy()


@on("pci-split", "pci-packed")
def test_used_up(rig):
    """No packet waits: the next one would."""
    cards = Cards(rig)
    cards.post(2)
    cards.send(2)
    cards.receive(2)
    check_starved(rig, cards, 0, confidence="candidate")


@on("pci-split")
def test_never_posted(rig):
    """Packets come to an interface that may not be up."""
    cards = Cards(rig)
    cards.send(1)
    finding = check_starved(rig, cards, 1, confidence="candidate")
    check_evidence(finding, "^it has never posted any: its interface may not be up$")


@on("pci-split", "mmio-packed")
def test_never_posted_and_never_needed(rig):
    cards = Cards(rig)
    rig.expect(cards.ring, state="idle", waiting_packets=0)
    rig.report(status=0).assert_healthy()


@on("pci-split", "mmio-packed")
def test_sender_waits(rig):
    """The other end of the hub: a card whose packets nobody takes any more. Two cards, two findings."""
    cards = Cards(rig)
    cards.post(2)
    cards.send(2)
    cards.receive(2)
    cards.send(1)
    start = cards.sent.mark()
    cards.submit(1)
    rig.wait_taken(cards.sent)
    taken = cards.sent.mark()
    cards.submit(2)
    rig.expect(cards.ring, state="idle", waiting_packets=1)
    rig.expect(cards.sent, state="stuck", taken=taken, used=start, omit=["unreaped", "shadow_avail_idx", "unseen"])
    report = rig.report(status=1)
    assert [(found["id"], found["device"]) for found in report.findings] == [
        ("request-stuck-in-device", "net1"),
        ("rx-starved", "net0"),
    ]
    stuck = report.findings[0]
    assert (stuck["severity"], stuck["confidence"], stuck["queue"]) == ("error", "confirmed", 1)
    check_evidence(stuck, "^back end: netdev hub-net1$", "^2 more published and not taken$")
    cards.post(8)
    cards.receive(4)
    cards.sent.wait_used(3)
    cards.sent.reap()
    rig.report(status=0).assert_healthy()
