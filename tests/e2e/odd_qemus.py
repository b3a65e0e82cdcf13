"""QEMUs that are not where, or not what, one would expect them to be."""

from pathlib import Path

from vqitest import Qemu, qemu_folder

ORIGINAL = "qemu-system-x86_64"


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


PID_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
