"""Has QEMU call a function of its own, in its main thread: for faults that are more than a field.

Not by gdb, whose idea of a processor's registers may be older than the processor.
"""

import ctypes
import os
import signal
import struct
from pathlib import Path

GETREGS, SETREGS, CONT, DETACH, POKEDATA, SEIZE, INTERRUPT = 12, 13, 7, 17, 5, 0x4206, 0x4207
# struct user_regs_struct of x86-64, sys/user.h.
NAMES = """r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base
           ds es fs gs""".split()
ARGUMENTS = ("rdi", "rsi", "rdx", "rcx")  # System V ABI, AMD64
RED_ZONE = 128

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, pid, address=0, data=0):
    if _libc.ptrace(request, pid, address, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def _registers(pid):
    buffer = ctypes.create_string_buffer(8 * len(NAMES))
    _ptrace(GETREGS, pid, 0, ctypes.addressof(buffer))
    return dict(zip(NAMES, struct.unpack(f"={len(NAMES)}Q", buffer.raw)))


def _set_registers(pid, values):
    raw = struct.pack(f"={len(NAMES)}Q", *(values[name] % 2**64 for name in NAMES))
    buffer = ctypes.create_string_buffer(raw, len(raw))
    _ptrace(SETREGS, pid, 0, ctypes.addressof(buffer))


def _wait_stop(pid):
    _, status = os.waitpid(pid, 0x40000000)  # __WALL
    assert os.WIFSTOPPED(status), status
    return os.WSTOPSIG(status)


def call_at(pid, name, address, *arguments):
    """What a function at an address returns. The main thread must sleep in a system call, which goes on afterwards. It returns
    to nowhere, which is told to us alone."""
    _ptrace(SEIZE, pid)
    try:
        _ptrace(INTERRUPT, pid)
        assert _wait_stop(pid) == signal.SIGTRAP
        before = _registers(pid)
        stack = (before["rsp"] - RED_ZONE) // 16 * 16 - 8
        _ptrace(POKEDATA, pid, stack, 0)
        # No system call is to be begun anew on the way.
        now = {**before, "rip": address, "rsp": stack, "rax": 0, "orig_rax": -1}
        _set_registers(pid, {**now, **dict(zip(ARGUMENTS, arguments))})
        _ptrace(CONT, pid)
        assert _wait_stop(pid) == signal.SIGSEGV
        after = _registers(pid)
        assert after["rip"] == 0, f"{name} does not come back"
        _set_registers(pid, before)
        return after["rax"]
    finally:
        _ptrace(DETACH, pid)


def call_inside(inside, function, *arguments):
    return call_at(inside.pid, function, inside.symbol(function), *arguments)


def _libc_base(pid):
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        words = line.split()
        if len(words) == 6 and Path(words[5]).name == "libc.so.6":
            return int(words[0].split("-")[0], 16), words[5]
    raise AssertionError("no libc")


def system_call(inside, number, *arguments):
    """By syscall(3): QEMU has the libc that we have. Its result, which must be no error."""
    (ours, our_path), (its, its_path) = _libc_base("self"), _libc_base(inside.pid)
    assert our_path == its_path
    address = ctypes.cast(_libc.syscall, ctypes.c_void_p).value - ours + its
    result = call_at(inside.pid, f"system call {number}", address, number, *arguments)
    assert result < 1 << 63, f"system call {number} failed"
    return result


def stack_below(pid):
    """Where its main thread's stack will not be used: for what a system call is to read."""
    while len(fields := Path(f"/proc/{pid}/syscall").read_text().split()) < 2:  # "running"
        pass
    return int(fields[-2], 16) // 4096 * 4096 - 8192
