"""Make the profiles of one QEMU: one for all its emulators whose layouts agree.

Usage: layouts.py VIRTQ-INSPECT FOLDER EMULATOR...   (or its qemu-storage-daemon, for what that alone was built with)
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from vqitest.profile import sign

# A machine with a virtio device, for without one the layout cannot be checked.
MACHINES = {
    "x86_64": ("q35", "virtio-rng-pci"),
    "aarch64": ("virt", "virtio-rng-pci"),
    "ppc64": ("pseries", "virtio-rng-pci"),
    "s390x": ("s390-ccw-virtio", "virtio-rng-ccw"),
}
FIRMWARE = ("/usr/share/qemu", "/usr/share/seabios")


def architecture(emulator):
    return Path(emulator).name.removeprefix("qemu-system-")


def enter(emulator):
    """A prefix: what was built among the packages of its own suite runs among them."""
    folder = Path(emulator).resolve().parents[1]
    if not (folder / "root").is_dir():
        return []
    show = 'mount --bind "$1" "$1/root$1" && exec chroot "$1/root" "${@:2}"'
    return ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"]), "bash", "-c", show, "-", str(folder)]


def command(emulator):
    if Path(emulator).name == "qemu-storage-daemon":
        return [emulator, "--chardev", "stdio,id=qmp", "--monitor", "qmp"]
    machine, device = MACHINES[architecture(emulator)]
    arguments = ["-M", machine, "-device", device, "-accel", "qtest", "-nodefaults", "-display", "none", "-qmp", "stdio"]
    return [*enter(emulator), str(Path(emulator).resolve()), *(word for folder in FIRMWARE for word in ("-L", folder)), *arguments]


def export(program, emulator):
    """What the tool says of a running one, without what is of this build alone."""
    with subprocess.Popen(command(emulator), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as qemu:
        try:
            assert "QMP" in qemu.stdout.readline(), f"{emulator} did not start"
            done = subprocess.run(
                [program, "--pid", str(qemu.pid), "--no-cache", "--export-layout=-"],
                check=True, stdout=subprocess.PIPE, text=True, timeout=60,
            )  # fmt: skip
        finally:
            qemu.kill()
    profile = json.loads(done.stdout)
    assert profile["source"] == "dwarf"
    profile["qemu"]["build_id"] = None
    profile["symbols"] = {}
    return profile


def merge(profile, other):
    """What another emulator has beyond a profile is added to it; False where the two contradict each other."""
    if any(profile[name] != other[name] for name in profile if name not in ("structs", "digest")):
        return False
    merged = {**profile["structs"], **other["structs"]}
    if any(merged[name] != profile["structs"][name] for name in profile["structs"]):
        return False
    profile["structs"] = merged
    return True


def write(folder, name, profile):
    path = folder / f"qemu-{name}.json"
    path.write_text(json.dumps(sign(profile), indent=1) + "\n")
    print(f"{path.name}: {len(profile['structs'])} structures, {path.stat().st_size} bytes")


def main(program, folder, *emulators):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    profiles = {}
    for emulator in emulators:
        profile = export(program, emulator)
        if not any(merge(other, profile) for other in profiles.values()):
            version = profile["qemu"]["version"].split()[0]
            profiles[f"{version}-{architecture(emulator)}" if profiles else version] = profile
    for name, profile in profiles.items():
        write(folder, name, profile)


main(*sys.argv[1:])
