"""Has QEMU call a function of its own, by gdb: for faults that are more than a field. A second, during which it is stopped."""

import subprocess


def gdb_call(pid, *expressions):
    command = ["gdb", "-batch", "-nx", "-p", str(pid)]
    for expression in expressions:
        command += ["-ex", f"call (void){expression}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, f"gdb: {done.stdout}\n{done.stderr}"
