"""What must be true of a process after somebody has looked at it."""

from pathlib import Path


def threads(pid):
    """{tid: {field: value}} from /proc/PID/task/TID/status. A thread that ends meanwhile is left out."""
    found = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            lines = status.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(status.parent.name)] = {name: value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return found


def do_no_harm(pid):
    """Assert that the process lives, that nobody traces a thread of it, and that none is stopped."""
    found = threads(pid)
    assert pid in found, f"process {pid} is gone"
    for tid, status in found.items():
        who = f"thread {tid} ({status['Name']}) of process {pid}"
        assert status["TracerPid"] == "0", f"{who} is traced by {status['TracerPid']}"
        assert status["State"][0] not in "tTZX", f"{who} is in state {status['State']}"
