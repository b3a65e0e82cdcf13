"""QEMUs that are not where, or not what, one would expect them to be."""

import re
import subprocess
from pathlib import Path

from vqitest import InstalledQemu, Qemu, qemu_folder

ORIGINAL = "qemu-system-x86_64"
STOCK = InstalledQemu.folder / ORIGINAL
STOCK_MODULES = Path("/usr/lib/x86_64-linux-gnu/qemu")


def original():
    return qemu_folder() / ORIGINAL


class OddQemu(Qemu):
    """Runs another program, or is run by one: with is_child, the QEMU is its child."""

    def __init__(self, *arguments, executable=None, prefix=(), is_child=False, **more):
        super().__init__(*arguments, **more)
        self._executable = executable
        self._prefix = prefix
        self._is_child = is_child

    def command_line(self):
        executable = self._executable or original()
        return [str(word) for word in (*self._prefix, executable, *self.arguments)]

    @property
    def pid(self):
        parent = self.process.pid
        if not self._is_child:
            return parent
        # It is there: its monitor has answered.
        (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(child)


def mount_namespace(folder):
    """A prefix: the program is on a file system that only it can see."""
    script = 'mount -t tmpfs vqitest "$1" && cp "$2" "$1/qemu" && exe=$1/qemu && shift 2 && exec "$exe" "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", folder]


def detached_mount(folder):
    """A prefix: the program is on a file system that nobody can see any more."""
    script = """mount -t tmpfs vqitest "$1" && cp "$2" "$1/qemu" && exec 9<"$1/qemu" && umount -l "$1" && shift 2 &&
                exec /proc/self/fd/9 "$@" """
    return ["unshare", "--mount", "sh", "-c", script, "sh", folder]


def container(folder):
    """A prefix: a mount, pid and user namespace of its own, and the program on a file system that only it can see."""
    return ["unshare", "--user", "--map-root-user", *PID_NAMESPACE[1:], *mount_namespace(folder)]


PID_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def strip(path, how="--strip-all"):
    """The QEMU under test without debug information, and without symbols unless told how."""
    subprocess.run(["strip", how, "-o", path, original()], check=True, timeout=60)
    return path


def split(path):
    """Its debug information alone."""
    subprocess.run(["objcopy", "--only-keep-debug", original(), path], check=True, timeout=120)
    return path


def build_id(path):
    notes = subprocess.run(["readelf", "-n", path], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    return re.search("Build ID: ([0-9a-f]+)", notes)[1]


def version_of(qemu):
    said = subprocess.run([qemu, "--version"], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    return re.match(r"QEMU emulator version ([0-9.]+)", said)[1]


def of_another_build(path, version=None):
    """It says that it is another build, and another version; all else is as it was."""
    program, old = path.read_bytes(), bytes.fromhex(build_id(path))
    assert program.count(old) == 1
    program = program.replace(old, bytes(reversed(old)))
    if version:
        program, count = re.subn(rb"(QEMU emulator version )\d+\.\d+\.\d+", lambda found: pad(found, version), program)
        assert count
    path.write_bytes(program)
    return path


def pad(found, version):
    """In place of what was found, of the same length."""
    assert len(version) <= len(found[0]) - len(found[1])
    return found[1] + version.encode() + b" " * (len(found[0]) - len(found[1]) - len(version))
