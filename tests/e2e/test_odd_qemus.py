"""QEMUs whose executable is gone, replaced or out of sight, and QEMUs in namespaces: all are inspected as well
as any, with debug information, without it by what the cache has of it, and Debian's own by a profile."""

import os
import shutil
import subprocess
from collections import namedtuple

import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import QmpOracle
from vqitest import Qemu

DEVICES = ["-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0", "-object", "iothread,id=io0"]
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root for namespaces")


# A program, and where its layout is from.
Program = namedtuple("Program", "path source")


@pytest.fixture(scope="module")
def known(session_inspector, tmp_path_factory):
    """A QEMU whose debug information is gone since it was inspected; what the inspection has kept."""
    folder = tmp_path_factory.mktemp("known")
    with Qemu(*DEVICES, qtest=True) as vm:
        session_inspector.report(vm.pid, env={"XDG_CACHE_HOME": str(folder / "cache")}).assert_healthy()
    return odd_qemus.strip(folder / "stripped"), folder / "cache"


@pytest.fixture
def program(request, inspector, monkeypatch, tmp_path):
    """The QEMU under test, unless a test wants each of them."""
    source = getattr(request, "param", "dwarf")
    if source == "profile":
        return Program(odd_qemus.STOCK, source)
    monkeypatch.setitem(inspector.env, "XDG_CACHE_HOME", str(tmp_path / "cache"))
    if source == "dwarf":
        return Program(odd_qemus.original(), source)
    stripped, cache = request.getfixturevalue("known")
    shutil.copytree(cache, tmp_path / "cache")
    return Program(stripped, source)


each_program = pytest.mark.parametrize("program", ["dwarf", "cache", "profile"], indirect=True)


@pytest.fixture
def copy(program, tmp_path):
    return shutil.copy(program.path, tmp_path / "qemu-copy")


@pytest.fixture
def check(inspector, machines, program):
    def check(*arguments, executable=program.path, before=None, **more):
        is_stock = program.path == odd_qemus.STOCK
        if is_stock:  # which looks for them beside itself
            more["env"] = {"QEMU_MODULE_DIR": str(odd_qemus.STOCK_MODULES)}
        vm = machines.start(*DEVICES, *arguments, kind=OddQemu, executable=executable, qtest=not is_stock, **more)
        if before:
            before()
        report = inspector.report(vm.pid)
        report.assert_healthy()
        assert {device["id"] for device in report.devices} == {"balloon0", "rng0"}
        assert report.target["pid"] == vm.pid
        assert report.target["layout_source"] == program.source
        is_exact = program.source != "profile" or report.target["bql_owner"] is not None
        QmpOracle(vm.qmp).check_report(report, unknown=() if is_exact else ["bql_owner"])
        report = inspector.report(vm.pid, "--stop=always")
        report.assert_healthy()
        assert report.capture["stopped_threads"] == len(os.listdir(f"/proc/{vm.pid}/task"))

    return check


def test_executable_is_elsewhere(check, copy):
    check(executable=copy)


@each_program
def test_executable_is_removed(check, copy):
    check(executable=copy, before=lambda: os.unlink(copy))


@each_program
def test_executable_is_replaced(check, copy, tmp_path):
    """As by an upgrade of the package: what lies at its path is another build."""
    other = tmp_path / "other"
    shutil.copy(shutil.which("sleep"), other)
    check(executable=copy, before=lambda: os.rename(other, copy))


@each_program
def test_executable_is_replaced_by_nonsense(check, copy, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"\x7fELF" + bytes(1000))
    check(executable=copy, before=lambda: os.rename(other, copy))


def test_name_is_another(check, tmp_path):
    """It is a QEMU by what it is, not by its name."""
    check(executable=shutil.copy(odd_qemus.original(), tmp_path / "kvm"))


def test_name_is_odd(check, tmp_path):
    check(executable=shutil.copy(odd_qemus.original(), tmp_path / "a ) S 1 (b\n (deleted)"))


@needs_root
@each_program
def test_mount_namespace(check, tmp_path):
    folder = tmp_path / "mount"
    folder.mkdir()
    check(prefix=odd_qemus.mount_namespace(folder))


@needs_root
@each_program
def test_detached_mount(check, tmp_path):
    folder = tmp_path / "mount"
    folder.mkdir()
    check(prefix=odd_qemus.detached_mount(folder))


@needs_root
@each_program
def test_pid_namespace(check):
    check(prefix=odd_qemus.PID_NAMESPACE, is_child=True)


@needs_root
@each_program
def test_user_namespace(check):
    check(prefix=["unshare", "--user"])


@needs_root
@each_program
def test_container(check, tmp_path):
    """Mount, pid and user namespace together."""
    folder = tmp_path / "mount"
    folder.mkdir()
    check(prefix=odd_qemus.container(folder), is_child=True)


@needs_root
def test_chroot(check, tmp_path):
    check("-chroot", tmp_path)


@needs_root
def test_other_user(check):
    check("-runas", "nobody")


def test_split_debug_information(inspector, machines, tmp_path):
    """The debug information is in a file of its own beside the executable, as .gnu_debuglink says."""
    qemu = odd_qemus.strip(tmp_path / "qemu-system-x86_64")
    debug = odd_qemus.split(tmp_path / "qemu-system-x86_64.debug")
    subprocess.run(["objcopy", f"--add-gnu-debuglink={debug}", qemu], check=True, timeout=120)
    vm = machines.start(*DEVICES, kind=OddQemu, executable=qemu, qtest=True)
    report = inspector.report(vm.pid)
    report.assert_healthy()
    QmpOracle(vm.qmp).check_report(report)


@pytest.mark.parametrize("accel", ["tcg", "kvm"])
def test_with_a_processor(inspector, machines, accel):
    """Not qtest: there is code running, if only firmware."""
    if accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no /dev/kvm")
    vm = machines.start(*DEVICES, "-accel", accel)
    report = inspector.report(vm.pid)
    report.assert_healthy()
    QmpOracle(vm.qmp).check_report(report)
