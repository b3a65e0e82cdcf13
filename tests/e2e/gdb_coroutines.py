"""QEMU's own gdb script, scripts/qemugdb/coroutine.py of its source, unwinds coroutines."""

import json
import re
import subprocess
from pathlib import Path

from vqitest import qemu_folder

# The script calls arch_prctl() in QEMU for what gdb has as a register. Where gdb's idea of a processor's registers is older than
# the processor, calls fail, but not the setting of the registers that a jmp_buf has.
FS_BASE = "python coroutine.get_fs_base = lambda: gdb.parse_and_eval('(unsigned long)$fs_base')"


def gdb_coroutines(pid, addresses):
    """{address: [frame as of gdb_frames.py]}; QEMU is stopped meanwhile."""
    source = qemu_folder().resolve().parent / "source"
    command = ["gdb", "-batch", "-nx", "-p", str(pid), "-x", Path(__file__).with_name("gdb_frames.py")]
    command += ["-x", source / "scripts/qemu-gdb.py", "-ex", FS_BASE]
    for address in addresses:
        command += ["-ex", f"echo vqitest-coroutine:{address:#x}\\n", "-ex", f"qemu coroutine {address:#x}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found, frames = {}, None
    for mark, value in re.findall(r"^vqitest-(coroutine|frame):(.*)$", done.stdout, re.MULTILINE):
        if mark == "coroutine":
            frames = found[int(value, 16)] = []
        else:
            frames.append(json.loads(value))
    assert sorted(found) == sorted(addresses) and all(found.values()), f"gdb: {done.stdout}\n{done.stderr}"
    return found
