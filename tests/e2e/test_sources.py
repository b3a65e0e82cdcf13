"""Where a layout is from: the cache, profiles of the search path and those that come with the tool, and in which order."""

import json
import shutil

import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import healthy_source

from vqitest.profile import shift_packed, sign

DEVICES = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0")
FOLDER = "virtq-inspect/layouts"


@pytest.fixture
def folders(inspector, tmp_path, monkeypatch):
    """The cache's and the profiles', which are empty."""
    found = {}
    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS"):
        monkeypatch.setitem(inspector.env, variable, str(tmp_path / variable))
        found[variable] = tmp_path / variable / FOLDER
    return found


@pytest.fixture
def cache(folders):
    return folders["XDG_CACHE_HOME"]


@pytest.fixture
def vm(machines):
    return machines.start(*DEVICES, qtest=True)


@pytest.fixture
def source(inspector, vm):
    return lambda *arguments, machine=vm: healthy_source(inspector, machine, *arguments)


@pytest.fixture
def stranger(machines, tmp_path):
    """A QEMU without debug information, of a build of which there is no profile."""

    def stranger(version=None):
        executable = odd_qemus.of_another_build(odd_qemus.strip(tmp_path / "stranger", "--strip-debug"), version)
        return machines.start(*DEVICES, kind=OddQemu, executable=executable, qtest=True)

    return stranger


def export(inspector, machine, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    inspector.text(machine.pid, "--no-cache", "--export-layout", path)
    return path


def change(path, structure="VirtIODevice", field="vq", **more):
    """Shifts the field of a profile, and signs it anew."""
    profile = json.loads(path.read_text())
    profile["structs"][structure]["fields"][field]["offset"] += 8
    path.write_text(json.dumps(sign({**profile, **more})))


# ---- the cache ----


def test_cache(inspector, source, cache):
    assert source("--no-cache") == "dwarf"
    assert not cache.exists(), "--no-cache keeps nothing"
    assert source() == "dwarf"
    (kept,) = cache.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o644
    assert odd_qemus.build_id(odd_qemus.original()) in kept.name
    assert source() == "cache"
    assert source("--no-cache") == "dwarf"
    assert source("--debuginfo", odd_qemus.original()) == "dwarf"
    assert list(cache.iterdir()) == [kept]


def test_cache_is_of_the_build(source, machines, stranger, cache, tmp_path):
    """Without its debug information it is still the same build; another is not."""
    assert source() == "dwarf"
    stripped = odd_qemus.strip(tmp_path / "qemu-system-x86_64")
    assert source(machine=machines.start(*DEVICES, kind=OddQemu, executable=stripped, qtest=True)) == "cache"
    assert source(machine=stranger()) == "profile"
    assert len(list(cache.iterdir())) == 1, "a profile is not kept: it is there"


@pytest.mark.parametrize("spoil", ["cut", "changed", "writable", "link"])
def test_cache_is_not_believed(source, cache, spoil):
    """It is found out again, and kept anew where that is possible."""
    assert source() == "dwarf"
    (kept,) = cache.iterdir()
    good = kept.read_bytes()
    if spoil == "cut":
        kept.write_bytes(good[:1000])
    elif spoil == "changed":
        kept.write_bytes(shift_packed(good, "VirtIODevice.vq"))
    elif spoil == "writable":
        kept.chmod(0o666)
    else:
        kept.rename(cache.parent / "elsewhere")
        kept.symlink_to(cache.parent / "elsewhere")
    assert source() == "dwarf"
    assert kept.read_bytes() == good
    assert not kept.is_symlink() and kept.stat().st_mode & 0o777 == 0o644
    assert source() == "cache"


def test_cache_is_of_trusted_programs(source, machines, cache, tmp_path):
    """What a program says of itself that anybody can have written is not kept for others that say the same."""
    copy = shutil.copy(odd_qemus.original(), tmp_path / "qemu-system-x86_64")
    copy.chmod(0o777)
    machine = machines.start(*DEVICES, kind=OddQemu, executable=copy, qtest=True)
    assert source(machine=machine) == "dwarf"
    assert not cache.exists()


def test_cache_cannot_be_written(source, cache):
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file where a folder should be")
    assert source() == "dwarf"
    assert source() == "dwarf"


# ---- profiles ----


def test_profile_of_the_build(inspector, vm, source, folders):
    """It is as good as the debug information, and quicker."""
    export(inspector, vm, folders["XDG_DATA_HOME"] / "mine.json")
    assert source() == "profile"
    assert not folders["XDG_CACHE_HOME"].exists()


def test_profile_does_not_fit(inspector, vm, source, folders):
    """One of this very build that was changed: the debug information tells."""
    change(export(inspector, vm, folders["XDG_DATA_HOME"] / "mine.json"))
    assert source() == "dwarf"


def test_what_is_exported_by_a_profile(inspector, source, stranger, folders):
    """It is no better than that was: of no one build."""
    machine = stranger()
    path = folders["XDG_DATA_HOME"] / "again.json"
    path.parent.mkdir(parents=True)
    inspector.text(machine.pid, "--export-layout", path)
    exported = json.loads(path.read_text())
    assert (exported["source"], exported["qemu"]["build_id"], exported["symbols"]) == ("profile", None, {})
    assert source(machine=machine) == "profile"


def test_shipped_profile(source, stranger):
    assert source(machine=stranger()) == "profile"


def test_the_next_profile(inspector, vm, source, stranger, folders):
    """Those that do not fit are passed over."""
    change(export(inspector, vm, folders["XDG_DATA_HOME"] / "a.json"))
    # What leads to an address where nothing can be read fits as little.
    change(export(inspector, vm, folders["XDG_DATA_HOME"] / "b.json"), "ObjectClass", "type")
    change(export(inspector, vm, folders["XDG_DATA_DIRS"] / "b.json"))
    (folders["XDG_DATA_DIRS"] / "c.json").write_text("{")
    assert source(machine=stranger()) == "profile"


def test_series_of_which_there_is_no_profile(inspector, vm, stranger, folders):
    """What fits another series is not tried, as not all of a layout can be checked; what can be is derived."""
    machine = stranger("1.0.1")

    def source():
        report = inspector.report(machine.pid)
        report.assert_healthy()
        assert {device["id"] for device in report.devices} == {"balloon0", "rng0"}
        return report.target["layout_source"]

    assert source() == "builtin"
    path = export(inspector, vm, folders["XDG_DATA_DIRS"] / "mine.json")
    assert source() == "builtin"
    profile = json.loads(path.read_text())
    path.write_text(json.dumps({**profile, "qemu": {"version": "1.0.2 (Distribution)", "build_id": None}}))
    assert source() == "profile"
    change(path)
    assert source() == "builtin"
