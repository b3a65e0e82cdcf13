"""Has QEMU call a function of its own, in its main thread: for faults that are more than a field.

Not by gdb, whose idea of a processor's registers may be older than the processor.
"""

import ctypes
import os
import signal
import struct

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


def call_inside(inside, function, *arguments):
    """It must sleep in a system call, which goes on afterwards. It returns to nowhere, which is told to us alone."""
    pid = inside.pid
    _ptrace(SEIZE, pid)
    try:
        _ptrace(INTERRUPT, pid)
        assert _wait_stop(pid) == signal.SIGTRAP
        before = _registers(pid)
        stack = (before["rsp"] - RED_ZONE) // 16 * 16 - 8
        _ptrace(POKEDATA, pid, stack, 0)
        # No system call is to be begun anew on the way.
        now = {**before, "rip": inside.symbol(function), "rsp": stack, "rax": 0, "orig_rax": -1}
        _set_registers(pid, {**now, **dict(zip(ARGUMENTS, arguments))})
        _ptrace(CONT, pid)
        assert _wait_stop(pid) == signal.SIGSEGV
        assert _registers(pid)["rip"] == 0, f"{function} does not come back"
        _set_registers(pid, before)
    finally:
        _ptrace(DETACH, pid)
