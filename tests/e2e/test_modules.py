"""Device types that are in modules, which QEMU loads when it needs them: Debian's own QEMU has its GPUs there."""

import shutil

import odd_qemus
import pytest
from oracle import QmpOracle
from vqitest import InstalledQemu

VGA = ("-device", "virtio-vga,id=vga0")
GPU_AND_VGA = ("-device", "virtio-gpu-pci,id=gpu0", *VGA)
MODULES = ("hw-display-virtio-gpu.so", "hw-display-virtio-gpu-pci.so", "hw-display-virtio-vga.so")


@pytest.fixture
def start(machines):
    def start(*arguments, modules=odd_qemus.STOCK_MODULES, **more):
        env = {"QEMU_MODULE_DIR": str(modules)}
        vm = machines.start(*arguments, kind=InstalledQemu, env=env, **more)
        with open(f"/proc/{vm.pid}/maps") as maps:
            mapped = maps.read()
        assert all(f"{modules}/{name}" in mapped for name in MODULES), "they are in the program itself"
        return vm

    return start


@pytest.fixture
def check(inspector):
    def check(vm, *arguments):
        report = inspector.report(vm.pid, *arguments)
        report.assert_healthy()
        assert report.target["layout_source"] == "profile"
        for name in ("gpu0", "vga0"):
            assert report.device(name)["type"] == "virtio-gpu"
            assert [queue["role"] for queue in report.device(name)["queues"]] == ["control", "cursor"]
        QmpOracle(vm.qmp).check_report(report, unknown=["bql_owner"] if report.target["bql_owner"] is None else [])
        return report

    return check


def test_modules(start, check):
    vm = start(*GPU_AND_VGA, "-device", "virtio-rng-pci,id=rng0")
    check(vm)
    check(vm, "--stop=always")


def test_modules_are_removed(start, check, tmp_path):
    """As by an upgrade of the package."""
    folder = shutil.copytree(odd_qemus.STOCK_MODULES, tmp_path / "modules")
    vm = start(*GPU_AND_VGA, modules=folder)
    shutil.rmtree(folder)
    check(vm)


# Memory that the guest's kernel leaves alone, for rings.
RINGS, RINGS_SIZE = 128 << 20, 64 << 10
ADDRESS, BAR = "0000:00:0a.0", 4  # where virtio-gpu-pci has the registers of VirtIO 1.2, 4.1.4.3, from its start on
FEATURE_SELECT, FEATURE, STATUS, QUEUE, ENABLE, DESC, AVAIL, USED = 0x08, 0x0C, 0x14, 0x16, 0x1C, 0x20, 0x28, 0x30


def drive(guest):
    """The guest has no driver of a GPU. It gives both queues their rings from its user space."""
    folder = f"/sys/bus/pci/devices/{ADDRESS}"
    guest.check(f"echo {ADDRESS} >{folder}/driver/unbind; echo 1 >{folder}/enable")  # virtio-pci waits for a driver
    start = int(guest.check(f"sed -n {BAR + 1}p {folder}/resource").split()[0], 16)

    def set(register, width, value):
        guest.check(f"devmem {start + register:#x} {width} {value:#x}")

    for status in (0, 1, 3):
        set(STATUS, 8, status)
    set(FEATURE_SELECT, 32, 1)
    set(FEATURE, 32, 1)  # VIRTIO_F_VERSION_1
    set(STATUS, 8, 0xB)
    rings = []
    for index in range(2):
        desc = RINGS + 0x4000 * index
        addresses = {DESC: desc, AVAIL: desc + 0x1000, USED: desc + 0x2000}
        set(QUEUE, 16, index)
        for register, address in addresses.items():
            set(register, 32, address)
        set(ENABLE, 16, 1)
        rings.append([f"{address:#x}" for address in addresses.values()])
    set(STATUS, 8, 0xF)
    return rings


def test_rings_of_a_module(start, check):
    gpu = f"virtio-gpu-pci,id=gpu0,addr={ADDRESS[8:10]}"
    vm = start("-device", gpu, *VGA, guest=True, append=f"memmap={RINGS_SIZE:#x}${RINGS:#x}")
    vm.guest.wait_ready()
    rings = drive(vm.guest)
    queues = check(vm).device("gpu0")["queues"]
    assert [queue["state"] for queue in queues] == ["idle", "idle"]
    assert [[queue["vring"][name] for name in ("desc", "avail", "used")] for queue in queues] == rings
