"""No false alarms: whatever a healthy Linux guest does, and whatever is done to it, nothing is said to be wrong.

The guest is looked at from its first instant to its last, every 100 ms. How often it was inspected, and what was said, is in
the JUnit file, and summarise.py prints it. $VIRTQ_INSPECT_SOAK_SECONDS is how long it goes on; every phase comes at least
once.
"""

import functools
import json
import os
import subprocess
import time

import pytest
from vqitest import Guest, qemu_folder
from vqitest.soak import Tally, WatchedQemu

SECONDS = float(os.environ.get("VIRTQ_INSPECT_SOAK_SECONDS", "120"))
TIMEOUT = pytest.mark.timeout(SECONDS + 300)

NULL = "driver=null-co,size=1073741824,read-zeroes=on"
DISKS = {
    "plain": "",
    "threaded": ",iothread=io0",
    "packed": ",packed=on,iothread=io1,num-queues=4",
    "packed-main": ",packed=on,indirect_desc=off",
    "old": ",disable-modern=on,event_idx=off,indirect_desc=off",
    "slow-path": ",ioeventfd=off,num-queues=1",
}
SCSI = {"scsi0": ",addr=0x10", "scsi1": ",addr=0x11,iothread=io0,packed=on"}
SCSI_PLACES = ("0000:00:10.0", "0000:00:11.0")
NETS = {"net0": "", "net1": ",packed=on,mq=on"}
ALL = (*DISKS, "file", *SCSI, *NETS, "rng0", "serial0", "balloon0", "keyboard0")
HOTPLUG_PORTS = ("port0", "port1")
MIB = 1 << 20
MEMORY = 256 * MIB


@functools.lru_cache(maxsize=None)
def has_queue_mapping():
    """Whether this QEMU can give each queue of a disk an iothread of its own (from 9.0 on)."""
    command = [qemu_folder() / "qemu-system-x86_64", "-device", "virtio-blk-pci,help"]
    return "iothread-vq-mapping" in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def mac(number):
    return f"52:54:00:12:34:{number:02x}"


def make_image(path):
    subprocess.run([qemu_folder() / "qemu-img", "create", "-q", "-f", "qcow2", path, "64M"], check=True)


def file_disk(images):
    """Its requests leave the thread.

    On the main loop from 9.0 on, where an iothread may lose an interrupt as the VM is stopped, and the guest hangs for ever:
    virtio_notify_irqfd() puts it off, and virtio_blk_stop_ioeventfd() has closed the eventfd by then.
    """
    iothread = "" if has_queue_mapping() else ",iothread=io1"
    yield from ("-blockdev", f"node-name=n-file,driver=qcow2,file.driver=file,file.filename={images / 'file'}")
    yield from ("-device", f"virtio-blk-pci,id=file,drive=n-file,serial=file{iothread}")


def disk_arguments(images):
    for name, properties in DISKS.items():
        yield from ("-blockdev", f"node-name=n-{name},{NULL}")
        yield from ("-device", f"virtio-blk-pci,id={name},drive=n-{name},serial={name}{properties}")
    if has_queue_mapping():
        mapped = {"driver": "virtio-blk-pci", "id": "mapped", "drive": "n-mapped", "serial": "mapped", "num-queues": 3}
        mapped["iothread-vq-mapping"] = [{"iothread": "io0"}, {"iothread": "io1"}]
        yield from ("-blockdev", f"node-name=n-mapped,{NULL}", "-device", json.dumps(mapped))
    yield from file_disk(images)
    for name, properties in SCSI.items():
        yield from ("-device", f"virtio-scsi-pci,id={name}{properties}")
        yield from ("-blockdev", f"node-name=n-{name},{NULL}")
        yield from ("-device", f"scsi-hd,drive=n-{name},bus={name}.0")


def machine(images, folder):
    """The machine. What two of them cannot share is in a folder of its own."""
    yield from ("-name", "soak", "-object", "iothread,id=io0", "-object", "iothread,id=io1")
    yield from disk_arguments(images)
    for number, (name, properties) in enumerate(NETS.items()):
        yield from ("-netdev", f"user,id=user{number},restrict=on,net=10.0.{number}.0/24")
        yield from ("-device", f"virtio-net-pci,id={name},netdev=user{number},mac={mac(number)}{properties}")
    yield from ("-object", "rng-builtin,id=r0", "-device", "virtio-rng-pci,id=rng0,rng=r0,packed=on")
    yield from ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-keyboard-pci,id=keyboard0")
    # One port drops what comes; of the two others each gets what the guest writes to the other.
    yield from ("-chardev", "file,id=c0,path=/dev/null")
    yield from ("-chardev", f"socket,id=c1,path={folder}/pair,server=on,wait=off")
    yield from ("-chardev", f"socket,id=c2,path={folder}/pair")
    yield from ("-device", "virtio-serial-pci,id=serial0")
    for number, name in enumerate(("sink", "left", "right")):
        yield from ("-device", f"virtserialport,chardev=c{number},bus=serial0.0,name={name}")
    for number, name in enumerate(HOTPLUG_PORTS):
        yield from ("-device", f"pcie-root-port,id={name},chassis={number + 1}")


# What the guest does all the time, in bursts. Each looks for its device again when that has gone.
FUNCTIONS = (
    "forever() { while :; do $*; usleep 200000; done; }",
    # By a node of its own: where the device has just gone, writing to /dev/vda would make a file of that name.
    "node() { n=/tmp/node-$1-$3; rm -f $n; IFS=: read a b <$2/dev; mknod $n $1 $a $b; }",
    "io() { node b /sys/block/$1 $1; dd if=$n of=/dev/null bs=64k count=64 iflag=direct && "
    "dd if=/dev/zero of=$n bs=4k count=64 oflag=direct; }",
    "blk() { io $(grep -lx $1 /sys/block/vd*/serial | cut -d/ -f4); }",
    # By its adapter: a disk that was just reset does not always tell its serial number.
    "scsi() { io $(ls -l /sys/block | grep /$1/ | sed s,.*/,,); }",
    "net() { i=$(grep -l $1 /sys/class/net/*/address | cut -d/ -f5); ip addr add $2.15/24 dev $i; ip link set $i up; "
    "ping -A -c 50 -s 1000 -W 2 $2.2; }",
    "port() { node c $(grep -lx $1 /sys/class/virtio-ports/*/name | sed s,/name,,) $1; }",
    "write_to() { port $1; dd if=/dev/zero of=$n bs=64 count=$2; }",
    "read_from() { port $1; cat $n; }",
    "rng() { dd if=/dev/hwrng of=/dev/null bs=64 count=20; }",
)


def all_loads(disks):
    yield from (f"blk {name}" for name in disks)
    yield from (f"scsi {place}" for place in SCSI_PLACES)
    yield from (f"net {mac(number)} 10.0.{number}" for number in range(len(NETS)))
    yield from ("rng", "write_to sink 100", "read_from right", "write_to left 10")


def load_command(loads):
    """All of them for ever, as one line for the guest's shell."""
    return "; ".join((*FUNCTIONS, "exec >/dev/null 2>&1", *(f"forever {load} & :" for load in loads), "wait"))


def progress(vm, name):
    """How far the queues of a device have come."""
    path = f"/machine/peripheral/{name}/virtio-backend"
    count = vm.qmp.execute("x-query-virtio-status", path=path)["num-vqs"]
    ask = vm.qmp.execute
    return [ask("x-query-virtio-queue-status", path=path, queue=queue)["used-idx"] for queue in range(count)]


def check_moving(vm, names, stir=lambda turn: None):
    """Every device does something."""
    still = {name: progress(vm, name) for name in names}
    for turn in range(100):
        stir(turn)
        vm.watch.wait(1)
        still = {name: before for name, before in still.items() if progress(vm, name) == before}
        if not still:
            return
    # With the kernel's traces of those that are blocked.
    look = "ps | cut -c -100; ls -l /sys/block; grep . /sys/block/*/inflight; echo w >/proc/sysrq-trigger; dmesg | tail -n 60"
    says = vm.guest.check(look, timeout=180)
    pytest.fail(f"{sorted(still)} do not move; in the guest:\n{says}")


class Life:
    """A guest and the QEMU that it is in at the moment."""

    def __init__(self, machines, inspector, tally, folder):
        self.machines = machines
        self.tally = tally
        self.folder = folder
        self.more = {"inspector": inspector, "tally": tally}
        self.number = 0
        make_image(folder / "file")
        self.vm = self.start()
        devices = {path.split("/")[3] for path in self.paths()}
        self.disks = [*DISKS, "file", *(["mapped"] if "mapped" in devices else [])]
        self.devices = sorted(devices)
        assert devices >= set(ALL)

    def start(self, *arguments, **more):
        self.number += 1
        own = self.folder / f"qemu{self.number}"
        own.mkdir()
        return self.machines.start(
            *(*machine(self.folder, own), *arguments),
            **{"kind": WatchedQemu, "guest": True, "smp": 2, "memory": str(MEMORY // MIB), **self.more, **more},
        )

    def paths(self):
        return [device["path"] for device in self.vm.qmp.execute("x-query-virtio")]

    def look(self, number):
        """Let it be inspected so many times."""
        self.vm.watch.wait(number)

    def check(self, command):
        return self.vm.guest.check(command, timeout=180)

    # ---- whether it is well ----

    def start_load(self):
        self.vm.guest.spawn(load_command(all_loads(self.disks)))

    def stir(self, turn):
        """What the guest does not do by itself."""
        self.vm.qmp.execute("balloon", value=MEMORY - (24 + turn % 2 * 16) * MIB)
        for down in (True, False):
            key = {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": "a"}}}
            self.vm.qmp.execute("input-send-event", events=[key])

    def check_moving(self):
        check_moving(self.vm, self.devices, self.stir)

    # ---- what happens to it ----

    def boot(self):
        self.vm.guest.wait_ready(180)

    def idle(self):
        self.look(20)

    def load(self):
        for turn in range(5):
            self.stir(turn)
            self.look(4)

    def pause(self):
        for number in (3, 1, 1, 0, 0, 0, 0):
            with self.vm.watch.pause_allowed():
                self.vm.qmp.execute("stop")
                self.look(number)
                self.vm.qmp.execute("cont")
            self.look(1)

    def rebind(self):
        """Take the driver from each device, for a while in which it is looked at, and give it back."""
        addresses = self.addresses()
        places = " ".join(addresses.values())
        take = "v=$(echo virtio*) && d=$(readlink -f $v/driver) && echo $v >$d/unbind"
        turn = f"cd /sys/bus/pci/devices/$a && {take} && usleep 200000 && echo $v >$d/bind || exit"
        self.check(f"for a in {places}; do {turn}; done")
        # The whole device, as the bus sees it.
        places = " ".join(addresses[name] for name in ("threaded", "net1", "scsi0"))
        turn = "echo $a >unbind && usleep 200000 && echo $a >bind || exit"
        self.check(f"cd /sys/bus/pci/drivers/virtio-pci; for a in {places}; do {turn}; done")

    def addresses(self):
        found = {}
        for bus in self.vm.qmp.execute("query-pci"):
            for device in bus["devices"]:
                if device["qdev_id"] in self.devices:
                    found[device["qdev_id"]] = f"0000:{device['bus']:02x}:{device['slot']:02x}.{device['function']}"
        assert set(found) == set(self.devices)
        return found

    def hotplug(self):
        ask = self.vm.qmp.execute
        disk_port, net_port = HOTPLUG_PORTS
        for turn in range(2):
            ask("blockdev-add", {"driver": "null-co", "node-name": "n-hot", "size": 64 * MIB, "read-zeroes": True})
            ask("netdev_add", {"type": "user", "id": "user-hot", "restrict": True})
            disk = {"driver": "virtio-blk-pci", "id": "hot-disk", "bus": disk_port, "drive": "n-hot", "serial": "hot"}
            ask("device_add", {**disk, "iothread": "io0", "packed": bool(turn)})
            net = {"driver": "virtio-net-pci", "id": "hot-net", "bus": net_port, "netdev": "user-hot", "mac": mac(9)}
            ask("device_add", net)
            self.check("until grep -qx hot /sys/block/vd*/serial; do usleep 50000; done")
            self.check(f"until grep -q {mac(9)} /sys/class/net/*/address; do usleep 50000; done")
            self.vm.guest.spawn("; ".join((*FUNCTIONS, "while blk hot; do :; done >/dev/null 2>&1")))
            self.look(2)
            for name in ("hot-disk", "hot-net"):
                ask("device_del", id=name)
                self.vm.wait_for("DEVICE_DELETED", device=name)
            ask("blockdev-del", {"node-name": "n-hot"})
            ask("netdev_del", id="user-hot")

    def snapshots(self):
        """Each one drains its disk. Then all are merged again."""
        ask = self.vm.qmp.execute
        for disk in ("file", "threaded"):
            top = f"n-{disk}"
            files = []
            for number in range(4):
                files.append(self.folder / f"overlay{number}")
                overlay = {"snapshot-file": str(files[-1]), "snapshot-node-name": f"n-overlay{number}", "format": "qcow2"}
                ask("blockdev-snapshot-sync", {"node-name": top, **overlay})
                top = f"n-overlay{number}"
                self.look(1)
            ask("block-commit", {"job-id": "commit", "device": top, "base-node": f"n-{disk}"})
            self.vm.wait_for("BLOCK_JOB_READY", device="commit")
            self.look(1)
            ask("block-job-complete", device="commit")
            self.vm.wait_for("BLOCK_JOB_COMPLETED", device="commit")
            for file in files:
                file.unlink()

    def mirror(self):
        ask = self.vm.qmp.execute
        ask("blockdev-add", {"driver": "null-co", "node-name": "n-copy", "size": 64 * MIB})
        ask("blockdev-mirror", {"job-id": "mirror", "device": "n-file", "target": "n-copy", "sync": "full"})
        self.vm.wait_for("BLOCK_JOB_READY", device="mirror")
        self.look(2)
        ask("block-job-cancel", device="mirror")
        self.vm.wait_for("BLOCK_JOB_COMPLETED", device="mirror")
        ask("blockdev-del", {"node-name": "n-copy"})

    def reset(self):
        self.vm.qmp.execute("system_reset")
        self.vm.wait_reboot()
        self.start_load()

    def reboot(self):
        self.vm.guest.spawn("reboot -f")
        self.vm.wait_reboot()
        self.start_load()

    def migrate(self):
        old = self.vm
        socket = self.folder / f"migration{self.number}"
        old.qmp.execute("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        new = self.start("-incoming", f"unix:{socket}", may_pause=True)
        new.watch.wait(2)
        with old.watch.pause_allowed():
            old.qmp.execute("migrate", uri=f"unix:{socket}")
            old.wait_for("MIGRATION", status="completed")
            new.wait_for("RESUME")
            new.watch.must_run()
            old.watch.wait(2)
            self.machines.forget(old).__exit__(None, None, None)
        self.vm = new

    # ---- its life ----

    PHASES = (load, rebind, hotplug, snapshots, mirror, pause, reset, migrate, reboot)

    def live(self):
        end = time.monotonic() + SECONDS
        self.run(Life.boot)
        self.run(Life.idle)
        self.start_load()
        complete = False
        while not complete or time.monotonic() < end:
            for phase in self.PHASES:
                if complete and time.monotonic() >= end:
                    break
                self.run(phase)
                self.check_moving()
            complete = True
        self.vm.watch.finish()

    def run(self, phase):
        self.tally.phase = phase.__name__
        started, before = time.monotonic(), self.tally.inspections
        phase(self)
        print(f"{phase.__name__}: {time.monotonic() - started:.1f} s, {self.tally.inspections - before} inspections")


@pytest.fixture
def tally(tmp_path, record_property):
    """To be asked for before the machines: those that look at them must have ended."""
    found = Tally(tmp_path / "soak.jsonl")
    yield found
    found.close()
    for what, number in found.totals().items():
        record_property(f"soak: {what}", number)
    print(f"soak: {found}", *found.details(), sep="\n")


@pytest.fixture
def inspector(session_inspector):
    """One that two threads may use, and which looks after no other machines meanwhile."""
    session_inspector.machines = None
    return session_inspector


@pytest.mark.timeout(SECONDS + 300)
def test_whole_life(tally, machines, inspector, tmp_path):
    Life(machines, inspector, tally, tmp_path).live()
    tally.check()


def test_saved_and_loaded(tally, machines, inspector, tmp_path):
    """Snapshots of the whole VM, with its memory. Only disks that are qcow2 files can be in one."""
    names = ("file", "net0", "rng0")
    make_image(tmp_path / "file")
    vm = machines.start(
        *("-object", "iothread,id=io1", *file_disk(tmp_path)),
        *("-netdev", "user,id=user0,restrict=on,net=10.0.0.0/24"),
        *("-device", f"virtio-net-pci,id=net0,netdev=user0,mac={mac(0)}"),
        *("-object", "rng-builtin,id=r0", "-device", "virtio-rng-pci,id=rng0,rng=r0"),
        **{"kind": WatchedQemu, "guest": True, "smp": 1, "inspector": inspector, "tally": tally},
    )
    tally.phase = "boot to save"
    vm.guest.wait_ready(180)
    loads = ("blk file", f"net {mac(0)} 10.0.0", "rng")
    vm.guest.spawn(load_command(loads))
    # Nothing may be on its way to the guest when it goes back.
    vm.guest.check("true", timeout=180)
    check_moving(vm, names)
    for number in range(3):
        tally.phase = "save"
        with vm.watch.pause_allowed():
            assert vm.qmp.hmp(f"savevm s{number}", timeout=120) == ""
        vm.watch.wait(3)
        tally.phase = "load"
        with vm.watch.pause_allowed():
            assert vm.qmp.hmp(f"loadvm s{number}", timeout=120) == ""
        vm.watch.wait(3)
        check_moving(vm, names)
    vm.watch.finish()
    tally.check()
