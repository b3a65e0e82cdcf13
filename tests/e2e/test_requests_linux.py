"""The requests in flight of a Linux guest: which there are, the guest knows by itself, and so do those who made them.

What its kernel waits for is in /sys/kernel/debug/block, a file for each queue.
"""

import contextlib
import re
import time
from collections import Counter, namedtuple

import pytest
from oracle import QmpOracle

from vqitest.fuse import FALLOCATE, FSYNC, READ, WRITE, SlowFile, why_no_fuse

pytestmark = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")

MIB = 1 << 20
SECTOR = 512
PAGE = 4096
ALL_KINDS = (READ, WRITE, FSYNC, FALLOCATE)
DISKS = {
    "plain": "num-queues=1",
    "threaded": "num-queues=2,iothread=io0",
    "packed": "num-queues=2,packed=on",
    "packed-threaded": "num-queues=1,packed=on,iothread=io0",
    "old": "num-queues=1,disable-modern=on,disable-legacy=off",
}

# What one request asks for: sectors, bytes.
Wanted = namedtuple("Wanted", "kind sector len")


class Disks:
    """Disks of a guest, each on a file that answers when the test wants it to."""

    def __init__(self, machines, inspector, folder, *arguments):
        self._inspector = inspector
        self._stack = contextlib.ExitStack()
        self.files = {}
        words = ["-object", "iothread,id=io0", *arguments]
        for name in (*DISKS, "scsi"):
            self.files[name] = self._stack.enter_context(SlowFile(folder / name, size=64 * MIB))
            words += ("-blockdev", f"driver=file,node-name=n-{name},filename={self.files[name].path},discard=unmap")
        for name, properties in DISKS.items():
            words += ("-device", f"virtio-blk-pci,id={name},drive=n-{name},serial={name},{properties}")
        words += ("-device", "virtio-scsi-pci,id=scsi,num_queues=2")
        words += ("-device", "scsi-hd,drive=n-scsi,bus=scsi.0,scsi-id=3,lun=2")
        self.vm = machines.start(*words, guest=True)
        self.guest = self.vm.guest
        self.guest.wait_ready()
        self.guest.check("mount -t debugfs none /sys/kernel/debug")
        self.names = {name: self.guest.disk(name) for name in DISKS}
        self.names["scsi"] = "sda"

    def close(self):
        """Those who wait for the files before those who have them: else they would wait for ever."""
        for file in self.files.values():
            file.release()
        self._stack.close()

    def device(self, name):
        return f"/dev/{self.names[name]}"

    # What is true.

    def busy(self, name):
        """{queue: lines of what the guest waits for}"""
        lines = self.guest.check(f"grep -H . /sys/kernel/debug/block/{self.names[name]}/hctx*/busy || :").splitlines()
        found = {}
        for line in lines:
            if match := re.search(r"/hctx(\d+)/busy:(.*)", line):
                found.setdefault(int(match[1]), []).append(match[2])
        return found

    def wait_busy(self, name, count):
        """Until the guest waits for so many, and the device has taken all of these."""
        oracle = QmpOracle(self.vm.qmp)
        first = 2 if name == "scsi" else 0
        while sum(map(len, (busy := self.busy(name)).values())) != count:
            pass
        queues = [first + index for index in range(max(busy, default=0) + 1)]
        path = f"/machine/peripheral/{name}/virtio-backend"
        while sum(oracle.queue(path, queue)["inuse"] for queue in queues) != count:
            pass
        return busy

    def let(self, name, count, is_chosen):
        """Let through what is chosen, until the guest waits for so many. A request may wait for a worker of QEMU at first."""
        while sum(map(len, self.busy(name).values())) != count:
            self.files[name].release_some(is_chosen)

    # What the program says.

    def report(self, *arguments, status=1):
        return self._inspector.report(self.vm.pid, "--requests", *arguments, status=status)

    def requests(self, name, *arguments, status=1):
        """{queue: requests}, of those that have any."""
        report = self.report("-d", name, *arguments, status=status)
        assert report.json["gaps"] == []
        found = {queue["index"]: queue["requests"] for queue in report.device(name)["queues"]}
        for queue in report.device(name)["queues"]:
            heads = [request["head"] for request in queue["requests"]]
            assert len(set(heads)) == len(heads)
            assert all(head < queue["num"] for head in heads)
        return {index: requests for index, requests in found.items() if requests}

    def check(self, name, wanted, status=1):
        """QEMU has a record of each, on the queue that the guest put it, and of no other."""
        busy = self.wait_busy(name, len(wanted))
        found = self.requests(name, status=status)
        operations = {
            queue: Counter(re.search(r"\.op=(\w+)", line)[1].lower().replace("_", "-") for line in lines)
            for queue, lines in busy.items()
        }
        assert {queue: Counter(request["kind"] for request in requests) for queue, requests in found.items()} == operations
        requests = [request for queue in found.values() for request in queue]
        for request in requests:
            assert (request["source"], request["candidate"], request["coroutine"]) == ("qemu", False, "waiting")
            assert (request["dump"], request["stack"]) == (None, [])
        assert Counter(what(request) for request in requests) == Counter(wanted)
        return requests


def what(request):
    """As Wanted."""
    detail = request["detail"]
    if request["kind"] in ("discard", "write-zeroes"):
        assert detail["range_count"] == 1
        sector, sectors = re.fullmatch(r"(\d+)\+(\d+)", detail["ranges"]).groups()
        return Wanted(request["kind"], int(sector), int(sectors) * SECTOR)
    return Wanted(request["kind"], detail.get("sector"), detail.get("len"))


@pytest.fixture
def disks(machines, inspector, tmp_path):
    found = Disks(machines, inspector, tmp_path)
    yield found
    found.close()


def dd(device, wanted, more=""):
    size = f"bs={wanted.len} count=1"
    place = wanted.sector * SECTOR // wanted.len
    assert place * wanted.len == wanted.sector * SECTOR
    if wanted.kind == "read":
        return f"dd if={device} of=/dev/null {size} skip={place} iflag=direct {more}"
    return f"dd if=/dev/zero of={device} {size} seek={place} oflag=direct {more}"


def spawn_all(disks, name, wanted):
    """All of them at once."""
    disks.guest.spawn(" & ".join(dd(disks.device(name), request) for request in wanted))


def at(kind, number):
    """One of each number, none beside another, of 4 KiB to 32 KiB."""
    return Wanted(kind, number * MIB // SECTOR, PAGE << number % 4)


@pytest.mark.parametrize("name", DISKS)
def test_thirty_two(disks, name):
    """Many requests that are done in another order than they came in: what is listed is what the guest waits for."""
    storage = disks.files[name]
    for number in range(3):
        disks.guest.check(f"dd if={disks.device(name)} of=/dev/null bs=64k count=30 skip={30 * number} iflag=direct")
    storage.hold([READ, WRITE])
    reads = [at("read", number) for number in range(24)]
    writes = [at("write", number) for number in range(24, 32)]
    spawn_all(disks, name, [request for three in zip(reads[::3], reads[1::3], reads[2::3], writes) for request in three])
    disks.check(name, [*reads, *writes])
    # Every second read comes back, and its place in the ring is used anew.
    disks.let(name, len(writes) + 12, lambda offset: offset < 24 * MIB and offset // MIB % 2)
    left = [*reads[::2], *writes]
    disks.check(name, left)
    more = [at("read", number) for number in range(32, 38)]
    spawn_all(disks, name, more)
    disks.check(name, [*left, *more])
    storage.release()
    assert disks.check(name, [], status=0) == []
    disks.report(status=0).assert_healthy()


def test_work_goes_on(disks):
    """What is listed of a moment in which all moves: no head is there twice, and none is older than the work."""
    names = ("plain", "packed")
    started = time.monotonic()
    for name in names:
        for number in range(6):
            read = dd(disks.device(name), at("read", number)).replace("count=1", "count=20")
            disks.guest.spawn(f"while [ ! -e /tmp/enough ]; do {read}; done")
    kinds = set()
    for options in 10 * [["--once"], ["--interval=0.05"], ["--interval=0.05", "--stop=always"]]:
        for name in names:
            for request in (request for queue in disks.requests(name, *options, status=0).values() for request in queue):
                kinds.add(request["kind"])
                assert (request["age_ms"] or 0) <= 1000 * (time.monotonic() - started)
    # They come and go faster than they are looked for: there may be none. Of what is none any more nothing else is made up.
    assert kinds <= {"read", None}
    disks.guest.check("touch /tmp/enough")
    for name in names:
        assert disks.check(name, [], status=0) == []


# A program for the guest, which busybox has none for: ioctl(open(argv[1], O_RDWR), BLKZEROOUT, range).
BLKZEROOUT = 0x127F
ZEROES = Wanted("write-zeroes", 4096, 65536)


def zero_out_program():
    code = bytes.fromhex("488b7c2410 be02000000 b802000000 0f05".replace(" ", ""))  # open
    code += bytes.fromhex("89c7 be".replace(" ", "")) + BLKZEROOUT.to_bytes(4, "little")
    tail = bytes.fromhex("b810000000 0f05 89c7 b83c000000 0f05".replace(" ", ""))  # ioctl, exit
    code += bytes.fromhex("488d15") + len(tail).to_bytes(4, "little") + tail  # its range is behind all
    code += (ZEROES.sector * SECTOR).to_bytes(8, "little") + ZEROES.len.to_bytes(8, "little")
    base, header = 0x400000, 64 + 56

    def words(size, *numbers):
        return b"".join(number.to_bytes(size, "little") for number in numbers)

    elf = b"\x7fELF\2\1\1".ljust(16, b"\0") + words(2, 2, 62) + words(4, 1) + words(8, base + header, 64, 0)
    elf += words(4, 0) + words(2, 64, 56, 1, 64, 0, 0)
    size = header + len(code)
    return elf + words(4, 1, 5) + words(8, 0, base, base, size, size, PAGE) + code


def put_file(guest, path, data):
    guest.check("printf '" + "".join(f"\\{byte:03o}" for byte in data) + f"' >{path}")


def send(disks, name, commands):
    """{request: between which times it was sent}, one after the other."""
    sent = {}
    for wanted, command in commands.items():
        before = time.monotonic()
        disks.guest.spawn(command)
        disks.wait_busy(name, len(sent) + 1)
        sent[wanted] = before, time.monotonic()
        disks.files[name].hold(ALL_KINDS)
    return sent


def check_ages(disks, name, sent):
    before = time.monotonic()
    requests = disks.check(name, [*sent])
    after = time.monotonic()
    for request in requests:
        first, last = sent[what(request)]
        # QEMU does not account what is discarded.
        assert request["age_at_least"] == (request["kind"] == "discard")
        youngest = 0 if request["age_at_least"] else before - last
        oldest = after - (before if request["age_at_least"] else first)
        assert 1000 * youngest - 1 <= request["age_ms"] <= 1000 * oldest, request


@pytest.mark.parametrize("name", DISKS)
def test_each_kind(disks, name):
    """And how old they are."""
    device, storage = disks.device(name), disks.files[name]
    put_file(disks.guest, "/tmp/zeroout", zero_out_program())
    disks.guest.check("chmod +x /tmp/zeroout")
    # What comes after has the memory of these.
    storage.hold([READ])
    spawn_all(disks, name, [at("read", number) for number in range(16)])
    disks.wait_busy(name, 16)
    storage.release()
    disks.check(name, [], status=0)
    write, read, discard = Wanted("write", 8, PAGE), Wanted("read", 800, PAGE), Wanted("discard", 2048, 3 * PAGE)
    commands = {
        Wanted("flush", None, None): dd(device, Wanted("write", 16, PAGE), "conv=fsync"),
        write: dd(device, write),
        read: dd(device, read),
        discard: f"blkdiscard -o {discard.sector * SECTOR} -l {discard.len} {device}",
    }
    # Not both at once, says the guest of these.
    for some, first_held in ((commands, FSYNC), ({ZEROES: f"/tmp/zeroout {device}"}, FALLOCATE)):
        storage.hold([first_held])
        check_ages(disks, name, send(disks, name, some))
        storage.release()
        assert disks.check(name, [], status=0) == []


SECRET = "pass-0123-phrase"
LISTINGS = (
    *(("--requests",), ("--requests", "-v"), ("--requests", "--format=json"), ("--requests", "--format=json", "-v")),
    *(("--stacks=all", "-v"), ("--stacks=all", "-v", "--format=json"), ("--dump-bytes=16", "-v")),
)


def test_data_is_not_shown(disks, inspector):
    """But to those who ask for it."""
    name = "plain"
    disks.guest.check(f"printf {SECRET} >/tmp/secret; truncate -s {PAGE} /tmp/secret")
    disks.files[name].hold([WRITE])
    disks.guest.spawn(f"dd if=/tmp/secret of={disks.device(name)} bs={PAGE} count=1 seek=5 oflag=direct")
    disks.wait_busy(name, 1)
    hidden = SECRET.encode().hex()
    for options in LISTINGS:
        done = inspector.run("--pid", disks.vm.pid, *options)
        assert "40" in done.stdout and done.returncode == 1
        assert SECRET not in done.stdout and hidden not in done.stdout.replace(" ", "")
    text = inspector.text(disks.vm.pid, "--dump-bytes=64", status=1)
    assert f"|{SECRET}|" in text and " ".join(f"{byte:02x}" for byte in SECRET.encode()) in text
    ((request,),) = disks.requests(name, "--dump-bytes=64").values()
    dump = bytes.fromhex(request["dump"])
    assert (dump[:4], dump[8:16]) == ((1).to_bytes(4, "little"), (40).to_bytes(8, "little"))
    assert dump[16:] == SECRET.encode() + bytes(64 - 16 - len(SECRET))
    ((request,),) = disks.requests(name, f"--dump-bytes={2 * PAGE}").values()
    assert len(bytes.fromhex(request["dump"])) == 16 + PAGE + 1


def test_scsi(disks):
    """The guest says what it put into each command."""
    storage, device = disks.files["scsi"], disks.device("scsi")
    storage.hold([FSYNC])
    disks.guest.spawn(dd(device, Wanted("write", 16, PAGE), "conv=fsync"))
    disks.wait_busy("scsi", 1)
    storage.hold(ALL_KINDS)
    wanted = [Wanted("read", 2048 * number, 65536) for number in range(1, 9)]
    wanted += [Wanted("write", 2048 * number, 32768) for number in range(9, 12)]
    spawn_all(disks, "scsi", wanted)
    disks.guest.spawn(f"blkdiscard -o {20 * MIB} -l {PAGE} {device}")
    busy = disks.wait_busy("scsi", len(wanted) + 2)
    found = disks.requests("scsi")
    event, requests = found.pop(1, []), [request for queue in found.values() for request in queue]
    assert event == []
    truth = {
        2 + queue: Counter(re.search(r"\.cmd=.*?((?: [0-9a-f]{2})+),", line)[1].strip() for line in lines)
        for queue, lines in busy.items()
    }
    assert {queue: Counter(request["detail"]["cdb"] for request in of) for queue, of in found.items()} == truth
    details = Counter()
    for request in requests:
        detail = request["detail"]
        assert (detail["target"], detail["lun"]) == (3, 2)
        assert (request["source"], request["candidate"]) == ("qemu", False)
        assert request["coroutine"] == "waiting"
        details[request["kind"], detail.get("lba"), detail.get("blocks")] += 1
    expected = Counter((f"{kind}(10)", sector, size // SECTOR) for kind, sector, size in wanted)
    expected["synchronize-cache(10)", 0, 0] += 1
    assert expected <= details
    ((other, *_),) = details - expected
    assert other in ("unmap", "write-same(10)", "write-same(16)")
    tags = [request["detail"]["tag"] for request in requests]
    assert len(set(tags)) == len(tags) and all(re.fullmatch("0x[0-9a-f]+", tag) for tag in tags)
    storage.release()
    assert disks.wait_busy("scsi", 0) == {}
    disks.report(status=0).assert_healthy()
