"""What an inspection costs, beside what the same would cost otherwise. Prints one table of medians and ratios.

Usage: bench.py [RUNS]   (9 unless told otherwise; VIRTQ_INSPECT names the program, VIRTQ_INSPECT_FEW one that lacks profiles)
"""

import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from vqitest import InstalledQemu, Qemu, do_no_harm  # noqa: E402 the path comes first
from vqitest.driver import BLOCK, EVENT_IDX, VERSION_1, Disk, Driver  # noqa: E402
from vqitest.inspector import Inspector  # noqa: E402
from vqitest.pci import PciHost  # noqa: E402
from vqitest.qtest import Bus  # noqa: E402
from vqitest.transport import Pci  # noqa: E402

SCALE_DEVICES, SCALE_QUEUES = 24, 256
HOST_QEMUS = 100
STUCK_REQUESTS = 256
WATCH_LOOKS = 500
FEW = os.environ.get("VIRTQ_INSPECT_FEW")
NULL = "null-co,size=1073741824,read-zeroes=on"

SEVEN = [
    *("-object", "rng-builtin,id=r0", "-object", "iothread,id=io0", "-netdev", "hubport,id=n0,hubid=0"),
    *("-blockdev", f"node-name=d0,driver={NULL}", "-blockdev", f"node-name=d1,driver={NULL}"),
    *("-device", "virtio-blk-pci,id=blk0,drive=d0", "-device", "virtio-blk-pci,id=blk1,drive=d1,iothread=io0"),
    *("-device", "virtio-net-pci,id=net0,netdev=n0", "-device", "virtio-scsi-pci,id=scsi0"),
    *("-device", "virtio-rng-pci,id=rng0,rng=r0", "-device", "virtio-balloon-pci,id=balloon0"),
    *("-device", "virtio-serial-pci,id=serial0,max_ports=2"),
]


SMALL = [
    *("-blockdev", f"node-name=d0,driver={NULL}", "-device", "virtio-blk-pci,id=blk0,drive=d0"),
    *("-netdev", "hubport,id=n0,hubid=0", "-device", "virtio-net-pci,id=net0,netdev=n0"),
]


class Bench:
    def __init__(self, folder, runs):
        self.folder = Path(folder)
        self.runs = runs
        self.inspector = Inspector()
        self.rows = []
        self.seize_loop = self._compile("seize_loop")
        self.peak_rss = self._compile("peak_rss")

    def _compile(self, name):
        program = self.folder / name
        subprocess.run(["cc", "-O2", "-o", program, HERE / f"{name}.c"], check=True, timeout=120)
        return program

    def row(self, what, ours, against="", theirs=None, unit="ms"):
        ratio = f"{ours / theirs:.3g}" if theirs else ""
        other = f"{theirs:.2f} {unit}" if theirs else ""
        self.rows.append((what, f"{ours:.2f} {unit}", against, other, ratio))

    def print(self):
        heads = ("WHAT", "VIRTQ-INSPECT", "BESIDE", "THAT", "RATIO")
        table = [heads, *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())

    def median(self, function):
        return statistics.median(function() for _ in range(self.runs))

    # What is measured.

    def wall_ms(self, command, env=None, status=(0,)):
        """A whole run, from start to exit. With a timeout, subprocess would look for the exit every few milliseconds."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        start = time.monotonic()
        with subprocess.Popen(command, env=env, **pipes) as process:
            watchdog = threading.Timer(300, process.kill)
            watchdog.start()
            _, errors = process.communicate()
            elapsed = (time.monotonic() - start) * 1000
            watchdog.cancel()
        assert process.returncode in status, errors.decode()
        return elapsed

    def ours_ms(self, vm, *arguments):
        command = self.inspector.command("--pid", vm.pid, *arguments)
        return self.median(lambda: self.wall_ms(command, self.inspector.env))

    def gdb(self, vm, queues):
        script = ["gdb", "-batch", "-nx", "-p", str(vm.pid), "-x", str(HERE / "gdb_method.py")]
        return script, {**os.environ, "QUEUES": " ".join(queues)}

    def seven_devices(self):
        with Qemu(*SEVEN, qtest=True) as vm:
            bus = Bus(vm.qtest)
            transports = [Pci(device) for device in PciHost(bus).virtio_devices()]
            for transport in transports:
                if transport.device_id != BLOCK:
                    continue
                driver = Driver(transport).start(VERSION_1 | EVENT_IDX, {0: 256, 1: 256})
                Disk(driver).complete(10)
            report = self.inspector.report(vm.pid)
            assert len(report.devices) == 7
            queues = [queue["vq_addr"] for device in report.devices for queue in device["queues"]]

            command, env = self.gdb(vm, queues)
            gdb_ms = self.median(lambda: self.wall_ms(command, env))
            self.whole_runs(vm, gdb_ms)
            self.look_in_watch(vm)

            def stopped_us():
                return self.inspector.report(vm.pid, "--once", "--stop=always").capture["stopped_us"]

            def loop_us():
                done = subprocess.run([self.seize_loop, str(vm.pid)], check=True, stdout=subprocess.PIPE, timeout=60)
                return float(done.stdout)

            ours = self.median(stopped_us)
            self.row("threads stopped, --stop=always", ours, "bare loop of ptrace", self.median(loop_us), "us")
            gdb_gap = self.median(lambda: self.longest_gap_us(vm, command, env))
            self.row("threads stopped, --stop=always", ours, "gdb, as the main loop felt it", gdb_gap, "us")
            always = self.inspector.command("--pid", vm.pid, "--once", "--stop=always")
            # The least of all: the host's scheduler makes pauses of its own.
            gap = min(self.longest_gap_us(vm, always, self.inspector.env) for _ in range(3 * self.runs))
            once = self.inspector.command("--pid", vm.pid, "--once")
            quiet = min(self.longest_gap_us(vm, once, self.inspector.env) for _ in range(3 * self.runs))
            self.row("main loop's longest pause, --stop=always", gap, "when nothing is stopped", quiet, "us")
            do_no_harm(vm.pid)

    def cpu_us(self, command):
        """Processor time of a whole run, of this program alone."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300, env=self.inspector.env)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6

    def look_in_watch(self, vm):
        """Processor time of a look of a watch: of many looks, without that of a run of one."""

        def look_us(*arguments):
            watch = self.inspector.command("--pid", vm.pid, "--watch=0.01", *arguments)
            many, one = (self.cpu_us([*watch, f"--count={count}"]) for count in (1 + WATCH_LOOKS, 1))
            return (many - one) / WATCH_LOOKS

        lines, whole = (self.median(lambda: look_us(*arguments)) for arguments in ((), ("--format=json",)))
        self.row("look in watch, processor time", lines, "200 us", 200, unit="us")
        self.row("  with the whole of it as JSON", whole, "lines", lines, unit="us")

    def watched_guest(self):
        """The I/O rate of a guest that is looked at ten times a second, beside that of one that is not."""
        disk = "virtio-blk-pci,id=blk0,drive=d0,serial=disk"
        with Qemu("-blockdev", f"node-name=d0,driver={NULL}", "-device", disk, guest=True) as vm:
            vm.guest.wait_ready()
            read = f"dd if=/dev/{vm.guest.disk('disk')} of=/dev/null bs=4k count=20000 iflag=direct"
            command = self.inspector.command("--pid", vm.pid, "--watch=0.1")
            vm.guest.check(read)
            alone, watched = [], []
            for _ in range(self.runs):  # in turn: the host has other things to do, too
                alone.append(self.read_rate(vm, read))
                with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=self.inspector.env) as watch:
                    watched.append(self.read_rate(vm, read))
                    watch.terminate()
            ours, theirs = statistics.median(watched), statistics.median(alone)
            self.row("guest's reads, ten looks a second", ours, "none", theirs, unit="reads/s")
            low, _, high = statistics.quantiles(alone, n=4)
            self.row("  noise: quartiles of the rate without", low, "upper", high, unit="reads/s")
            do_no_harm(vm.pid)

    def read_rate(self, vm, read):
        start = time.monotonic()
        vm.guest.check(read)
        return 20000 / (time.monotonic() - start)

    def whole_runs(self, vm, gdb_ms):
        """By where the layout is from; each beside gdb, which knows it from debug information alone."""

        def row(source, machine, *arguments, inspector=self.inspector):
            found = inspector.report(machine.pid, "--once", *arguments).target["layout_source"]
            assert found == source, f"the layout is from {found}, not from {source}"
            command = inspector.command("--pid", machine.pid, "--once", *arguments)
            ours = self.median(lambda: self.wall_ms(command, inspector.env))
            self.row(f"whole run, --once, layout from {source}", ours, "gdb with the published script", gdb_ms)

        row("dwarf", vm, "--no-cache")
        row("cache", vm)
        with InstalledQemu(*SEVEN, "-S") as stock:
            row("profile", stock)
            if FEW:  # a program without the profile of that QEMU
                row("builtin", stock, inspector=Inspector(FEW))
            do_no_harm(stock.pid)
        self.row("whole run, two looks 250 ms apart", self.ours_ms(vm))

    def longest_gap_us(self, vm, command, env):
        """The longest time between two answers of QEMU's main loop while a command runs."""
        ended = threading.Event()

        def run():
            try:
                self.wall_ms(command, env)
            finally:
                ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        longest, last = 0.0, time.monotonic()
        while not ended.is_set():
            vm.qtest.command("readb 0x1000000")
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        thread.join()
        return longest * 1e6

    def stuck_requests(self):
        """What the back traces of as many coroutines cost beside the same look without them."""
        slow = f"{NULL},latency-ns={3600 * 10**9}"
        # With a geometry the slow disk is not read before the guest does.
        device = "virtio-blk-pci,id=blk0,drive=d0,num-queues=1,queue-size=1024,cyls=16383,heads=16,secs=63"
        with Qemu("-blockdev", f"node-name=d0,driver={slow}", "-device", device, qtest=True) as vm:
            bus = Bus(vm.qtest)
            (device,) = PciHost(bus).virtio_devices()
            disk = Disk(Driver(Pci(device)).start(VERSION_1 | EVENT_IDX, {0: 1024}))
            for number in range(STUCK_REQUESTS):
                disk.read(sector=2 * number)  # side by side they would be merged
            disk.ring.publish()
            disk.ring.kick()
            bus.readb(bus.allocate(1))  # taken with this
            report = self.inspector.report(vm.pid, "--once", "--stacks")
            requests = report.queue("blk0", 0)["requests"]
            assert len({request["coroutine_addr"] for request in requests if request["stack"]}) == STUCK_REQUESTS
            plain = self.ours_ms(vm, "--once", "--format=json")
            what = f"{STUCK_REQUESTS} stuck requests"
            for option in ("--requests", "--stacks"):
                ours = self.ours_ms(vm, "--once", "--format=json", option)
                self.row(f"{what}, {option}", ours, "--once", plain)
            self.row(f"{what}, threads stopped", report.capture["stopped_us"], unit="us")
            do_no_harm(vm.pid)

    def whole_host(self):
        """All of them at once, beside one of them: the looks are as far apart."""
        with contextlib.ExitStack() as stack:
            vms = [stack.enter_context(Qemu(*SMALL, qtest=True, memory="16", smp=1)) for _ in range(HOST_QEMUS)]
            one = self.ours_ms(vms[0])
            command = self.inspector.command("--all", "--format=json")
            done = subprocess.run(command, stdout=subprocess.PIPE, env=self.inspector.env, timeout=300)
            found = {json.loads(line)["target"]["pid"] for line in done.stdout.splitlines()}
            assert found >= {vm.pid for vm in vms}
            # Others may be on the host, in whatever state.
            ours = self.median(lambda: self.wall_ms(command, self.inspector.env, status=(0, 1, 3, 4)))
            self.row(f"--all, {len(found)} QEMUs", ours, "one of them", one)
            for vm in vms:
                do_no_harm(vm.pid)

    def many_queues(self, queues):
        """A QEMU with that many queues in each of its devices, all set up."""
        arguments = []
        for number in range(SCALE_DEVICES):
            arguments += ["-blockdev", f"node-name=d{number},driver={NULL}"]
            arguments += ["-device", f"virtio-blk-pci,id=blk{number},drive=d{number},num-queues={queues}"]
        vm = Qemu(*arguments, qtest=True)
        with vm:
            bus = Bus(vm.qtest)
            for device in PciHost(bus).virtio_devices():
                Driver(Pci(device)).start(VERSION_1 | EVENT_IDX, {index: 64 for index in range(queues)})
            report = self.inspector.report(vm.pid, "--once")
            report.assert_healthy()
            assert len(report.states()) == SCALE_DEVICES * queues
            assert set(report.states().values()) == {"idle"}
            times = self.ours_ms(vm, "--once"), self.ours_ms(vm, "--once", "--format=json")
            stopped = self.inspector.report(vm.pid, "--once", "--stop=always").capture["stopped_us"]
            rss = self.rss_kib(vm, "--format=json")
            do_no_harm(vm.pid)
        return *times, stopped, rss

    def rss_kib(self, vm, *arguments):
        command = [self.peak_rss, *self.inspector.command("--pid", vm.pid, *arguments)]
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300, env=self.inspector.env
        )
        return int(re.search(r"(\d+)\s*$", done.stderr)[1])

    def scale(self):
        few = self.many_queues(1)
        many = self.many_queues(SCALE_QUEUES)
        total = SCALE_DEVICES * SCALE_QUEUES
        extra = total - SCALE_DEVICES
        for name, ours, theirs in zip(("--once", "--once --format=json"), many, few):
            self.row(f"{total} queues, {name}", ours, f"{SCALE_DEVICES} queues", theirs)
            self.row(f"  cost of a queue, {name}", (ours - theirs) * 1000 / extra, unit="us")
        self.row(f"{total} queues, threads stopped", many[2], f"{SCALE_DEVICES} queues", few[2], "us")
        self.row(f"{total} queues, peak memory", many[3] / 1024, f"{SCALE_DEVICES} queues", few[3] / 1024, "MiB")


def main():
    # Every queue has two eventfds.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory(prefix="vqitest-bench-") as folder:
        bench = Bench(folder, runs)
        bench.seven_devices()
        bench.stuck_requests()
        bench.watched_guest()
        bench.whole_host()
        bench.scale()
        bench.print()
    if os.environ.get("BENCH_JSON"):
        Path(os.environ["BENCH_JSON"]).write_text(json.dumps(bench.rows))


if __name__ == "__main__":
    main()
