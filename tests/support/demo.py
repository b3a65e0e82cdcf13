"""What script/demo shows: one guest, inspected while it is healthy and while its disk hangs."""

import shlex
import subprocess
import sys
import time

from vqitest import Qemu, do_no_harm

started = time.monotonic()


def tell(text):
    print(f"\n[{time.monotonic() - started:5.1f} s] {text}", flush=True)


def show(prompt, text):
    print(f"  {prompt} {text}", flush=True)


class Demo:
    def __init__(self, program):
        self.program = program
        self.as_expected = True

    def run_in_guest(self, command):
        show("guest#", command)
        for line in self.vm.guest.check(command).splitlines():
            print(f"         {line}")

    def spawn_in_guest(self, command):
        show("guest#", command + " &")
        self.vm.guest.spawn(command)

    def limit_disk(self, **limits):
        show("qmp>", f"qom-set /objects/limits limits {limits}")
        limits = {name.replace("_", "-"): value for name, value in limits.items()}
        self.vm.qmp.execute("qom-set", path="/objects/limits", property="limits", value=limits)

    def inspect(self, status, finding=None):
        command = [self.program, "--pid", str(self.vm.pid)]
        show("$", shlex.join(["virtq-inspect", *command[1:]]))
        print(flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60)
        print(done.stdout, flush=True)
        as_expected = done.returncode == status and (finding is None or finding in done.stdout)
        wanted = f"expected {status}" + (f" and {finding}" if finding else "")
        print(f"  exit status {done.returncode} ({wanted}): {'as expected' if as_expected else 'NOT AS EXPECTED'}")
        self.as_expected &= as_expected
        do_no_harm(self.vm.pid)

    def wait_for_disk(self, requests):
        """Until so many requests are in flight, as the guest counts them, or none when the number is 0."""
        test = f"[ $((r + w)) {'-ge' if requests else '-eq'} {requests} ]"
        self.vm.guest.check(f"until read r w </sys/block/vda/inflight && {test}; do usleep 20000; done")

    def machine(self):
        arguments = [
            *("-name", "demo"),
            *("-object", "throttle-group,id=limits"),
            *("-blockdev", "driver=file,node-name=image,filename={dir}/disk.img"),
            *("-blockdev", "driver=throttle,node-name=disk,throttle-group=limits,file=image"),
            *("-device", "virtio-blk-pci,id=disk0,drive=disk"),
            *("-netdev", "user,id=user", "-device", "virtio-net-pci,id=net0,netdev=user"),
            *("-device", "virtio-rng-pci,id=rng0"),
        ]
        self.vm = Qemu(guest=True)
        self.vm.arguments += [argument.format(dir=self.vm.dir) for argument in arguments]
        with open(self.vm.dir / "disk.img", "wb") as image:
            image.truncate(64 << 20)
        return self.vm

    def run(self):
        tell("A Linux guest boots: a disk in a throttle group, a network card, a random number generator")
        with self.machine() as vm:
            show("$", shlex.join(vm.command_line()))
            print("  This QEMU is Debian's own, without debug information", flush=True)
            vm.guest.wait_ready()

            tell("It is at work")
            self.run_in_guest("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ping -c 2 10.0.2.2")
            self.run_in_guest("dd if=/dev/hwrng of=/dev/null bs=64 count=4")
            self.run_in_guest("dd if=/dev/zero of=/dev/vda bs=64k count=256 oflag=direct")
            self.spawn_in_guest("while [ ! -e /tmp/enough ]; do dd if=/dev/vda of=/dev/null bs=64k iflag=direct; done")

            tell("First inspection: nothing is wrong")
            self.inspect(0)

            tell("Now the disk may move one byte a second: requests go in and do not come out")
            self.limit_disk(bps_total=1)
            for place in range(1, 8):
                self.spawn_in_guest(f"dd if=/dev/zero of=/dev/vda bs=4k count=1 seek={place * 100} oflag=direct")
            self.wait_for_disk(5)  # one or two more may pass under the limit

            tell("Second inspection: the disk hangs")
            self.inspect(1, "request-stuck-in-device")

            tell("The limit is lifted, the disk is drained, and the guest goes on")
            self.run_in_guest("touch /tmp/enough")
            self.limit_disk(bps_total=0)
            # A request that waits for its turn would sleep on until the time that the old limit gave it; a drain wakes it.
            for command in ("stop", "cont"):
                show("qmp>", command)
                vm.qmp.execute(command)
            self.wait_for_disk(0)
            self.run_in_guest("dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct")

        tell(f"QEMU (process {vm.pid}) is ended; " + ("all as expected" if self.as_expected else "NOT as expected"))
        return 0 if self.as_expected else 1


if __name__ == "__main__":
    sys.exit(Demo(sys.argv[1]).run())
