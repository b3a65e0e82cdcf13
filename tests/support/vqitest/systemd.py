"""A systemd of the test's own, which runs units of docs/ as they are there."""

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .guest import ROOT
from .inspector import program
from .qemu import die_with_parent

MANAGER = "/lib/systemd/systemd"

# What a systemd that has booted a machine has made there, and one that has not expects: mknod and so on as its
# src/shared/mount-setup.c does. The mounts are seen by nobody else, and end with the process.
# In a control group of its own it leaves those of others alone.
ENTER = """
for group in $0; do mkdir "$group" && echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/systemd/inaccessible/dir && cd /run/systemd/inaccessible &&
touch reg && mkfifo fifo && mknod chr c 0 0 && mknod blk b 0 0 && touch sock && chmod 0 * && cd / && exec "$@"
"""
CGROUPS = Path("/sys/fs/cgroup")
# What units of docs/ need of those that systemd brings along; it must not see these, as it would start all that is installed.
TARGETS = ("basic", "default", "shutdown", "sysinit", "timers")


class Systemd:
    """A manager of a user, which is root; a context manager as well. It sees the processes of this machine.

    Units are copied from docs/, with the program under test in them. What is in /var/log for the manager of the system is in
    `log` here. The named units can still be asked about after their end.
    """

    def __init__(self, units):
        self._folder = tempfile.TemporaryDirectory(prefix="vqitest-systemd-")
        self._dir = Path(self._folder.name)
        self.log = self._dir / "config/log"
        self._units = self._dir / "units"
        folders = {"XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "SYSTEMD_UNIT_PATH": "units"}
        none = {name: "/nowhere" for name in ("SYSTEMD_GENERATOR_PATH", "SYSTEMD_ENVIRONMENT_GENERATOR_PATH")}
        self._env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **none}
        for variable, name in folders.items():
            (self._dir / name).mkdir(mode=0o700)
            self._env[variable] = str(self._dir / name)
        for target in TARGETS:
            (self._units / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        # systemd forgets a unit that has ended unless another knows it.
        with open(self._units / "default.target", "a", encoding="utf-8") as file:
            file.write(f"After={' '.join(units)}\n")
        self._group = self._dir.name
        self._process = None

    def _groups(self):
        """Of each hierarchy that systemd may follow processes by: that of cgroup v2, alone or beside others, or one of v1."""
        roots = [root for root in (CGROUPS, CGROUPS / "unified", CGROUPS / "systemd") if (root / "cgroup.procs").exists()]
        return " ".join(str(root / self._group) for root in roots)

    def _remove_groups(self):
        for top in (*CGROUPS.glob(self._group), *CGROUPS.glob(f"*/{self._group}")):
            for folder, _, _ in os.walk(top, topdown=False):
                os.rmdir(folder)

    def add(self, name, **replaced):
        """A unit of docs/, with other values of some of its settings."""
        text = (ROOT / "docs" / name).read_text().replace("/usr/bin/virtq-inspect", str(program())).replace("/var/log", "%L")
        for setting, value in replaced.items():
            lines = [f"{setting}={value}" if line.startswith(f"{setting}=") else line for line in text.splitlines()]
            assert "\n".join(lines) != text.rstrip("\n"), setting
            text = "\n".join(lines) + "\n"
        (self._units / name).write_text(text)

    def __enter__(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(self._dir / "ready"))
            ready.settimeout(60)
            with open(self._dir / "manager", "wb") as output:
                self._process = subprocess.Popen(
                    ["unshare", "--mount", shutil.which("sh"), "-ec", ENTER, self._groups(), MANAGER, "--user"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**self._env, "NOTIFY_SOCKET": str(self._dir / "ready")},
                    preexec_fn=functools.partial(die_with_parent, os.getpid()),
                )
            try:
                while b"READY=1" not in ready.recv(4096):
                    pass
            except BaseException:
                self.__exit__()
                raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.ctl("stop", "*.timer", "*.service")
        self._process.send_signal(signal.SIGRTMIN + 24)  # exit
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._remove_groups()
        print(f"systemd said:\n{(self._dir / 'manager').read_text()}")
        self._folder.cleanup()

    def ctl(self, *words):
        """What systemctl prints, which must succeed."""
        command = ["systemctl", "--user", "--no-pager", *words]
        return subprocess.run(command, env=self._env, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout

    def show(self, unit, name):
        return self.ctl("show", "--value", f"--property={name}", unit).strip()
