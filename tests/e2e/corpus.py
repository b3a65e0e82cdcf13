"""The recordings in tests/fixtures/recordings: how each is made, and what was seen in it."""

from collections import namedtuple

from rig import GEOMETRY, NULL, SLOW
from stuck_requests import submit
from vqitest.guest import ROOT

FOLDER = ROOT / "tests/fixtures/recordings"

Case = namedtuple("Case", "kind make arguments findings state")


def healthy(rig):
    rig.disk(NULL).complete(5)


def stuck(rig):
    disk = rig.disk(SLOW, **GEOMETRY)
    submit(rig, disk, 3, sector=8)


def not_kicked(rig):
    disk = rig.disk(NULL)
    disk.complete(2)
    disk.read(sector=0)
    disk.ring.publish()


CASES = {
    "healthy": Case("mmio-packed", healthy, (), [], "idle"),
    "stuck-in-device": Case("mmio-split", stuck, ("--stacks=all",), ["request-stuck-in-device"], "stuck"),
    "stuck-exact-cut": Case("mmio-packed", stuck, ("--stop=always", "--requests"), ["request-stuck-in-device"], "stuck"),
    "not-kicked": Case("mmio-split", not_kicked, (), ["device-not-notified"], "stuck"),
}
