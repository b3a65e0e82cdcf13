"""--check: what is within reach, line by line, and what stands in the way."""

import os
import re
import subprocess
from pathlib import Path

import odd_qemus
import pytest
from odd_qemus import OddQemu

DEVICES = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0")
LINE = re.compile(r"^(?P<name>\S.{0,11}) (?P<state>OK|NO|-)  +(?P<text>.+)$")


@pytest.fixture
def check(inspector):
    """{name: (state, text)}, after a run that ends with that status; the first and the last line under "target" and "verdict"."""

    def check(pid, *arguments, status=0, **more):
        done = inspector.run("--pid", pid, "--check", *arguments, **more)
        assert (done.returncode, done.stderr) == (status, "")
        first, *lines, last = done.stdout.splitlines()
        found = {"target": first, "verdict": last}
        for line in lines:
            match = LINE.match(line)
            assert match or line.startswith(" " * 17), line
            if match:
                found[match["name"].rstrip()] = (match["state"], match["text"])
            else:
                found.setdefault("advice", []).append(line.strip())
        return found

    return check


@pytest.fixture
def no_cache(inspector, tmp_path, monkeypatch):
    monkeypatch.setitem(inspector.env, "XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_all_is_well(machines, check, inspector, no_cache):
    vm = machines.start(*DEVICES, qtest=True)
    found = check(vm.pid)
    executable = odd_qemus.original().resolve()
    about = rf"process {vm.pid}: {re.escape(str(executable))}, QEMU \d+\.\d+\.\d+\S*, build-id [0-9a-f]+"
    assert re.fullmatch(about, found["target"]) and found["target"].endswith(odd_qemus.build_id(executable))
    assert found["maps"] == ("OK", f"{len(Path(f'/proc/{vm.pid}/maps').read_text().splitlines())} mappings")
    assert found["mem"][0] == "OK"
    folder = Path(f"/proc/{vm.pid}/fd")
    eventfds = sum(os.readlink(fd) == "anon_inode:[eventfd]" for fd in folder.iterdir())
    assert found["fdinfo"] == ("OK", f"{eventfds} eventfds and what is pending in them")
    threads = len(os.listdir(f"/proc/{vm.pid}/task"))
    assert found["stacks"][0] == "OK" and found["stacks"][1].startswith(f"{threads} threads, of which ")
    assert found["cache"][0] == "-" and str(no_cache) in found["cache"][1]
    assert found["debug file"] == ("OK", "it fits, and is used")
    assert found["debuginfod"] == ("-", "DEBUGINFOD_URLS is not set")
    assert found["profile"][0] == "OK" and re.fullmatch(r"qemu-[0-9.]+\.json fits", found["profile"][1])
    assert found["guest RAM"] == ("OK", "devices: 2; rings that a driver has set up: 0")
    assert found["verdict"] == "It can be inspected."
    assert not no_cache.exists(), "nothing is kept by looking"
    inspector.report(vm.pid)
    found = check(vm.pid)
    assert found["cache"] == ("OK", "it fits, and is used")
    assert found["debug file"] == ("OK", "it fits")
    done = inspector.run("--pid", vm.pid, "--check", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rings(machines, check):
    vm = machines.start(*DEVICES, guest=True)
    vm.guest.wait_ready()
    state, text = check(vm.pid)["guest RAM"]
    assert state == "OK" and re.fullmatch(r"devices: 2; rings that a driver has set up: [1-9]", text)


def test_profile_that_is_passed_over(machines, check, inspector, tmp_path, monkeypatch):
    """It is named, with the command that mends it: which does."""
    monkeypatch.setitem(inspector.env, "XDG_DATA_HOME", str(tmp_path))
    profile = tmp_path / "virtq-inspect/layouts/mine.json"
    profile.parent.mkdir(parents=True)
    vm = machines.start(*DEVICES, qtest=True)
    inspector.text(vm.pid, "--export-layout", profile)
    assert check(vm.pid)["own profile"][0] == "OK"
    profile.chmod(0o664)
    found = check(vm.pid)
    assert found["own profile"][0] == "-"
    assert found["own profile"][1].endswith(f"; {profile} is passed over, as others can write it")
    assert f"chmod go-w {profile}" in found["advice"]
    subprocess.run(f"chmod go-w {profile}", shell=True, check=True)
    assert check(vm.pid)["own profile"][0] == "OK"
    profile.parent.chmod(0o777)
    found = check(vm.pid)
    assert f"{profile.parent} is passed over" in found["own profile"][1]
    assert f"chmod go-w {profile.parent}" in found["advice"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to give a file away")
def test_profile_of_another_user(machines, check, inspector, tmp_path, monkeypatch):
    monkeypatch.setitem(inspector.env, "XDG_DATA_HOME", str(tmp_path))
    profile = tmp_path / "virtq-inspect/layouts/mine.json"
    profile.parent.mkdir(parents=True)
    vm = machines.start(*DEVICES, qtest=True)
    inspector.text(vm.pid, "--export-layout", profile)
    os.chown(profile, 65534, 65534)
    found = check(vm.pid)
    assert found["own profile"][1].endswith(f"; {profile} is passed over, as it is another user's")
    assert f"chown root {profile}" in found["advice"]


def test_there_is_no_layout(machines, check, tmp_path):
    """What gives it one is said."""
    copy = odd_qemus.of_another_build(odd_qemus.strip(tmp_path / "qemu-system-x86_64"), "1.0.1")
    vm = machines.start(kind=OddQemu, executable=copy, qtest=True)
    found = check(vm.pid, status=3)
    for source in ("cache", "own profile", "debug file", "debuginfod", "profile", "derived"):
        assert found[source][0] == "-"
    assert found["profile"][1].rstrip() == "there is none of QEMU 1.0.1"
    assert found["guest RAM"] == ("NO", "it is found by a layout only")
    for help in ("dbgsym", "DEBUGINFOD_URLS=", "--export-layout"):
        assert any(help in line for line in found["advice"])
    assert found["verdict"] == "It cannot be inspected: there is no layout for it."


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to take something from it")
def test_memory_cannot_be_read(machines, inspector):
    """Not even with root's other rights."""
    vm = machines.start(*DEVICES, qtest=True)
    prefix = ["setpriv", "--bounding-set=-sys_ptrace,-sys_admin", "--inh-caps=-sys_ptrace,-sys_admin", "--securebits=+noroot"]
    assert subprocess.run([*prefix, "true"]).returncode == 0
    done = inspector.run("--pid", vm.pid, "--check", prefix=prefix)
    assert (done.returncode, done.stderr) == (3, "")
    assert re.match(r"mem          NO  .*CAP_SYS_PTRACE", done.stdout)


def test_named_layout(machines, check, inspector, tmp_path):
    """Of what the options name, nothing else is looked for."""
    vm = machines.start(*DEVICES, qtest=True)
    profile = tmp_path / "profile.json"
    inspector.text(vm.pid, "--export-layout", profile)
    found = check(vm.pid, "--layout", profile)
    assert found["layout"] == ("OK", "profile.json fits, and is used")
    assert found["guest RAM"][0] == "OK" and "cache" not in found
    found = check(vm.pid, "--layout", tmp_path / "none", status=3)
    assert found["layout"][0] == "NO" and "none" in found["layout"][1]
    assert check(vm.pid, "--debuginfo", odd_qemus.original())["debug file"] == ("OK", "it fits, and is used")
    assert check(vm.pid, "--debuginfo", "/dev/null", status=3)["debug file"][0] == "NO"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to take something from it")
@pytest.mark.parametrize("option", ["--layout", "--debuginfo"])
def test_named_file_cannot_be_read(machines, inspector, tmp_path, option):
    """The advice is about the file, not about the rights that it takes to look into a process."""
    vm = machines.start(*DEVICES, qtest=True)
    path = tmp_path / "secret"
    inspector.text(vm.pid, "--export-layout", path)
    path.chmod(0o600)
    os.chown(path, 65534, 65534)
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    done = inspector.run("--pid", vm.pid, "--check", option, path, prefix=prefix)
    assert (done.returncode, done.stderr) == (3, "")
    assert f"NO  cannot read {path}: Permission denied" in done.stdout
    said = inspector.fails("--pid", vm.pid, option, path, status=3, prefix=prefix)
    assert said.splitlines()[0] == f"virtq-inspect: cannot read {path}: Permission denied"
    for text in (done.stdout, said):
        assert "Let this user read the file (chmod a+r FILE" in text and "PTRACE" not in text


def test_usage(inspector):
    inspector.fails("--check", status=2)
    inspector.fails("--pid", 1, "--check", "--format=json", status=2)
    inspector.fails("--pid", 1, "--check", "--export-layout=-", status=2)
