"""--watch on a real Linux guest that works: what its driver and its host do meanwhile is no hang."""

import signal

import pytest

from vqitest.watch import Watch

NULL = "driver=null-co,size=1073741824,read-zeroes=on"


def arguments():
    yield from ("-object", "iothread,id=io0", "-device", "pcie-root-port,id=port0,chassis=1")
    for name, more in {"plain": "", "threaded": ",iothread=io0"}.items():
        yield from ("-blockdev", f"node-name=n-{name},{NULL}")
        yield from ("-device", f"virtio-blk-pci,id={name},drive=n-{name},serial={name}{more}")
    yield from ("-netdev", "user,id=user", "-device", "virtio-net-pci,id=net0,netdev=user")


@pytest.fixture
def vm(machines):
    machine = machines.start(*arguments(), guest=True, smp=2)
    machine.guest.wait_ready()
    return machine


@pytest.fixture
def run(vm, inspector):
    with Watch(inspector, vm.pid) as watch:
        watch.head()
        yield watch


def start_load(vm, *names):
    for name in names:
        disk = vm.guest.disk(name)
        vm.guest.spawn(f"while :; do dd if=/dev/{disk} of=/dev/null bs=64k count=64 iflag=direct; done")


def check_end(run):
    """Nothing was found all the while."""
    run.signal(signal.SIGINT)
    run.end(0)
    assert not [line for line in run.lines if "error" in line or "  stuck  " in line]


def test_work(vm, run):
    start_load(vm, "plain", "threaded")
    run.until(r"  plain queue 0  request  busy  .*completed [1-9]")
    run.until(r"  threaded queue 0  request  busy  .*completed [1-9]")
    check_end(run)


def test_another_driver(vm, run):
    """Its driver is taken from a device, and given back; then the whole PCI device."""
    start_load(vm, "threaded")
    run.until("  threaded queue 0  .*completed [1-9]")
    take = "v=$(basename $(readlink -f /sys/block/$0/device)) && cd /sys/bus/virtio/drivers/virtio_blk && echo $v >unbind"
    disk = vm.guest.disk("plain")
    vm.guest.check(f"sh -c '{take} && echo $v >/tmp/name' {disk}")
    run.until("  plain queue 0  request  disabled  ")
    vm.guest.check("cat /tmp/name >/sys/bus/virtio/drivers/virtio_blk/bind")
    run.until("  plain queue 0  request  (idle|busy)  ")
    check_end(run)


def test_reboot(vm, run):
    vm.guest.check(f"dd if=/dev/{vm.guest.disk('plain')} of=/dev/null bs=64k count=2000 iflag=direct")
    vm.qmp.execute("system_reset")
    run.until("  plain queue 0  request  disabled  ")
    vm.guest.wait_ready()
    run.until("  plain queue 0  request  (idle|busy)  ")
    check_end(run)


def test_hot_plug(vm, run):
    vm.qmp.execute("blockdev-add", {"driver": "null-co", "node-name": "n-hot", "size": 1 << 30, "read-zeroes": True})
    device = {"driver": "virtio-blk-pci", "id": "hot", "bus": "port0", "drive": "n-hot", "serial": "hot"}
    vm.qmp.execute("device_add", device)
    run.until("  hot  plugged  virtio-blk  ")
    vm.guest.check("until grep -qx hot /sys/block/vd*/serial; do usleep 50000; done")
    start_load(vm, "hot")
    run.until("  hot queue .*completed [1-9]")
    vm.qmp.execute("device_del", id="hot")
    run.until("  hot  unplugged")
    check_end(run)
