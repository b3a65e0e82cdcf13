"""A QEMU that is inspected all the time, and the count of what was said about it."""

import collections
import concurrent.futures
import contextlib
import itertools
import json
import re
import statistics
import threading
import time
import traceback

from .harm import threads
from .inspector import Report
from .qemu import Qemu

# Units: s. From the start of one inspection to that of the next, whether or not that has ended by then.
PACE = 0.1
# The next one is left out while so many are under way.
IN_FLIGHT = 6
QUICK = ("--interval=0.1",)
REQUESTS, STACKS = (*QUICK, "--requests"), (*QUICK, "--stacks=all")
# Requests and back traces are of a moment, too, in which all goes on.
# Each in turn when none of them is under way: two that stop it wait for each other.
MAY_STOP = (
    *(QUICK, ("--interval=0.1", "--stop=always"), STACKS, ("--once",)),
    *(QUICK, (), QUICK, ("--once", "--stop=always"), REQUESTS, ("--once", "--stacks=all")),
)
# Each in turn meanwhile.
NEVER_STOP = tuple((*options, "--stop=never") for options in (QUICK, (), STACKS, ("--once",), REQUESTS))
GONE = 3
# The schema is compared with one report of so many, and with all that say more than that the VM is paused: it takes longer
# than the inspection.
VALIDATE = 20


class Unvalidated(Report):
    """A report that is not compared with the schema."""

    def __init__(self, text, status):  # pylint: disable=super-init-not-called
        self.text = text
        self.json = json.loads(text)
        assert self.json["exit_status"] == status
        self._check_consistency()


class Tally:
    """What all inspections of a test said. What nobody should have said is kept, and makes the test fail."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._file = open(path, "w", encoding="utf-8")
        self.path = path
        self.phase = "start"
        self.inspections = 0
        self.left_out = 0
        self.too_early = 0
        self.second_thoughts = 0
        self.findings = collections.Counter()
        self.gaps = collections.Counter()
        self.requests = collections.Counter()
        self.stacks = collections.Counter()
        # Units: s. From the start of each inspection of a process to that of the next.
        self.paces = []
        self.wrong = []

    def close(self):
        self._file.close()

    def count(self, severity):
        return sum(number for kind, number in self.findings.items() if kind[1] == severity)

    def add(self, report, phase, **circumstances):
        """Count a report. Each finding, and each gap, by what it is and when it came."""
        with self._lock:
            self.inspections += 1
            # Something looked stuck, so that it waited for a second in spite of the options.
            self.second_thoughts += report.capture["interval_ms"] >= 1000
            for finding in report.findings:
                kind = (phase, finding["severity"], finding["confidence"], finding["id"], _plain(finding["summary"]))
                self.findings[kind] += 1
            for gap in report.json["gaps"]:
                self.gaps[phase, gap["what"], _plain(gap["why"])] += 1
            if any(finding["severity"] == "warning" for finding in report.findings):
                self._keep("warning", phase, report.text, circumstances)

    def add_closer(self, report):
        """Count what was listed of requests and back traces."""
        with self._lock:
            for device in report.devices:
                for queue in device["queues"]:
                    for request in queue["requests"]:
                        self.requests[request["source"], request["candidate"], request["coroutine"]] += 1
            for thread in report.json["threads"]:
                if thread["stack"] or thread["stack_gap"]:
                    self.stacks[_plain(thread["stack_gap"] or "whole")] += 1

    def add_watch(self, starts, left_out, too_early):
        """Count what a watch did: when its inspections began, and how many came to nothing."""
        starts = sorted(starts)
        with self._lock:
            self.paces += [later - earlier for earlier, later in zip(starts, starts[1:])]
            self.left_out += left_out
            self.too_early += too_early

    def fail(self, why, phase, text, **circumstances):
        with self._lock:
            self.wrong.append(f"{phase}: {why}")
            self._keep(why, phase, text, circumstances)

    def _keep(self, why, phase, text, circumstances):
        self._file.write(json.dumps({"why": why, "phase": phase, **circumstances, "said": text}) + "\n")
        self._file.flush()

    def check(self):
        """Nobody has said what should not have been said."""
        assert not self.wrong, f"{len(self.wrong)} false alarms, see {self.path}:\n" + "\n".join(self.wrong[:20])

    def totals(self):
        severities = {f"{severity}s": self.count(severity) for severity in ("error", "warning", "note")}
        said = {**severities, "gaps": sum(self.gaps.values())}
        return {"inspections": self.inspections, "seconds": round(sum(self.paces)), "left out": self.left_out, **said}

    def __str__(self):
        return ", ".join(f"{number} {what}" for what, number in self.totals().items())

    def details(self):
        """Lines of how often it was looked at, and one a kind of finding or gap."""
        if self.paces:
            median, longest = statistics.median(self.paces), max(self.paces)
            rate = len(self.paces) / sum(self.paces)
            yield f"{rate:6.2f} a second; from one to the next {median:.3f} s in the median, {longest:.3f} s at most"
        yield f"{self.too_early:6} before it could be inspected"
        yield f"{self.second_thoughts:6} took a second look after a second"
        for (source, is_candidate, coroutine), number in self.requests.most_common():
            yield f"{number:6} requests from {source}, {'candidates' if is_candidate else 'certain'}, coroutine {coroutine}"
        for gap, number in self.stacks.most_common():
            yield f"{number:6} back traces of threads: {gap}"
        for kind, number in sorted((*self.findings.items(), *self.gaps.items())):
            yield f"{number:6} {' | '.join(kind)}"


def _plain(text):
    """Without what differs from one time to the next."""
    return re.sub(r"\b(0x[0-9a-f]+|\d+)\b", "N", text)


class Watch(threading.Thread):
    """Inspects one process until it ends: a beat, at each of which an inspection begins."""

    def __init__(self, inspector, pid, tally, may_pause=False):
        super().__init__(name=f"watch of {pid}")
        self.pid = pid
        self._inspector = inspector
        self._tally = tally
        self._progress = threading.Condition()
        self._begun = self._done = 0
        self._starts = []
        self._left_out = self._too_early = 0
        self._pauses = 0
        # At first it is still being put together.
        self._may_pause = 1 + may_pause
        self._answers = self._ending = False
        self._over = False
        # Of the one that may stop the process. Without it nobody can tell whether a thread was left stopped.
        self._stopping = threading.Lock()
        self._may_stop = itertools.cycle(MAY_STOP)
        self._never_stop = itertools.cycle(NEVER_STOP)

    # ---- for the test ----

    def wait(self, number=1):
        """Until so many more inspections were begun and ended."""
        with self._progress:
            until = self._begun + number
            assert self._progress.wait_for(lambda: self._over or self._done >= until, 120), "the inspections hang"
            assert self._done >= until, f"no more inspections: {self._tally.wrong}"

    @contextlib.contextmanager
    def pause_allowed(self):
        """While it is no lie that the VM is paused."""
        with self._progress:
            self._may_pause += 1
        try:
            yield
        finally:
            self.must_run()

    def must_run(self):
        """It was allowed to be paused, and is not any more, but for the inspections that are under way."""
        with self._progress:
            self._may_pause -= 1
            self._pauses += 1

    def answers(self):
        """QEMU has come so far that it can be inspected."""
        self._answers = True
        self.must_run()

    def will_end(self):
        self._ending = True

    def finish(self):
        """No inspection begins any more, and those under way have ended."""
        self._set_over()
        self.join()

    # ---- the beat ----

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as looks:
            due = time.monotonic()
            while self._beat(looks, due):
                due = max(due + PACE, time.monotonic())
        self._tally.add_watch(self._starts, self._left_out, self._too_early)

    def _beat(self, looks, due):
        """False: it is over."""
        with self._progress:
            # Nothing to wait for, only a rate to keep.
            if self._progress.wait_for(lambda: self._over, max(0, due - time.monotonic())):
                return False
            if self._begun - self._done < IN_FLIGHT:
                self._begun += 1
                looks.submit(self._look)
            else:
                self._left_out += 1
            return True

    def _set_over(self):
        with self._progress:
            self._over = True
            self._progress.notify_all()

    # ---- one inspection, in a thread of its own ----

    def _look(self):
        try:
            if not self._inspect():
                self._set_over()
        except Exception as error:  # the test's own thread must hear of it
            self._tally.fail(f"{type(error).__name__}: {error}", self._tally.phase, traceback.format_exc())
            self._set_over()
        finally:
            with self._progress:
                self._done += 1
                self._progress.notify_all()

    def _inspect(self):
        """False: it is gone."""
        started = time.monotonic()
        with self._progress:
            self._starts.append(started)
            number, pauses, may_pause = len(self._starts), self._pauses, self._may_pause
        answers, phase = self._answers, self._tally.phase
        options, done, harm = self._run()
        circumstances = {
            "options": options,
            "seconds": round(time.monotonic() - started, 3),
            "at": time.strftime("%H:%M:%S"),
            "status": done.returncode,
            "stderr": done.stderr,
        }
        with self._progress:
            may_pause = may_pause or self._may_pause or pauses != self._pauses
        if phase != self._tally.phase:
            phase = f"{phase} to {self._tally.phase}"
        fail = lambda why: self._tally.fail(why, phase, done.stdout, **circumstances)  # noqa: E731
        if done.returncode == GONE:
            return self._judge_gone(answers, done, fail)
        for why in harm:
            fail(why)
        if done.returncode not in (0, 1, 4) or done.stderr:
            fail(f"status {done.returncode}: {done.stderr}")
            return True
        report = Unvalidated(done.stdout, done.returncode)
        if says_something(report) or number % VALIDATE == 0:
            Report(done.stdout, done.returncode)
        self._tally.add(report, phase, **circumstances)
        self._tally.add_closer(report)
        for why in wrong_in(report, may_pause, may_be_traced=options in NEVER_STOP):
            fail(why)
        for why in wrong_in_requests(report, are_asked={"--requests", "--stacks=all"} & {*options}):
            fail(why)
        return True

    def _run(self):
        """The options of an inspection, what came of it, and the harm that is found after it."""
        may_stop = self._stopping.acquire(blocking=False)
        options = next(self._may_stop if may_stop else self._never_stop)
        try:
            done = self._inspector.run("--pid", self.pid, "--format=json", *options)
            # What another one stops meanwhile is no harm.
            harm = [*harm_done(self.pid)] if may_stop and not self._ending else []
        finally:
            if may_stop:
                self._stopping.release()
        return options, done, harm

    def _judge_gone(self, answers, done, fail):
        if self._ending:
            return False
        if answers:
            fail(f"status {GONE} for a process that lives: {done.stderr}")
        elif _is_gone(self.pid):
            fail("the process is gone")
            return False
        else:
            with self._progress:
                self._too_early += 1
        return True


def harm_done(pid):
    """As do_no_harm(), but for threads that are just ending."""
    for tid, status in threads(pid).items():
        if status["TracerPid"] != "0" or status["State"][0] in "tT":
            yield f"thread {tid}: state {status['State']}, traced by {status['TracerPid']}"


def _is_gone(pid):
    return threads(pid).get(pid, {"State": "X"})["State"][0] in "ZX"


def says_something(report):
    """More than that the VM is paused."""
    return report.json["gaps"] or any(finding["id"] != "vm-paused" for finding in report.findings)


# These findings list requests themselves.
LOOKED_AT_CLOSER = ("request-stuck-in-device", "event-loop-blocked")


def wrong_in_requests(report, are_asked):
    """What the lists of requests must not say. Which they are, of a VM that does so much, nobody can tell."""
    are_wanted = are_asked or any(finding["id"] in LOOKED_AT_CLOSER for finding in report.findings)
    for device in report.devices:
        for queue in device["queues"]:
            heads = [request["head"] for request in queue["requests"]]
            place = f"{report.label(device)}/{queue['index']}"
            if heads and not are_wanted:
                yield f"{place} has requests that nobody asked for"
            if len(set(heads)) != len(heads):
                yield f"{place} has a head twice: {heads}"
            if any(head >= queue["num"] for head in heads):
                yield f"{place} of {queue['num']} has a head beyond: {heads}"
            for is_candidate in (False, True):
                ages = [request["age_ms"] or 0 for request in queue["requests"] if request["candidate"] is is_candidate]
                if ages != sorted(ages, reverse=True):
                    yield f"{place} has not the oldest first: {ages}"


def wrong_in(report, may_pause, may_be_traced):
    """What a report of a VM that is well must not say."""
    held = report.target["held"]
    # Traced by another inspection, that is.
    may_be_stopped = may_pause if held is None else held["by"] == "tracer" and may_be_traced
    for gap in report.json["gaps"]:
        yield f"gap: {gap['what']} of {gap['device']}/{gap['queue']}: {gap['why']}"
    for finding in report.findings:
        said = f"{finding['severity']} {finding['id']} of {finding['device']}/{finding['queue']}: {finding['summary']}"
        if finding["severity"] == "error" or (finding["severity"] == "warning" and finding["confidence"] == "confirmed"):
            yield said
        elif finding["severity"] == "note" and not (finding["id"] == "vm-paused" and may_be_stopped):
            yield said
    blamed = {(finding["device"], finding["queue"]) for finding in report.findings}
    whole = any(finding["queue"] is None for finding in report.findings)
    for place, state in report.states().items():
        if state == "stuck" and not whole and place not in blamed:
            yield f"{place} is called stuck without a finding"


class WatchedQemu(Qemu):
    """A QEMU with a watch from its first instant to its last."""

    def __init__(self, *arguments, inspector, tally, may_pause=False, **more):
        super().__init__(*arguments, **more)
        self._watch_arguments = inspector, tally, may_pause
        self.watch = None

    def _connect(self):
        inspector, tally, may_pause = self._watch_arguments
        self.watch = Watch(inspector, self.pid, tally, may_pause)
        self.watch.start()
        super()._connect()
        self.watch.answers()

    def stop(self):
        if self.watch:
            self.watch.will_end()
        super().stop()
        if self.watch:
            self.watch.join()
            self.watch = None

    def wait_for(self, event, timeout=120, **data):
        """An event of that name with these data; others of that name are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.qmp.wait_event(event, deadline - time.monotonic()).get("data", {})
            if all(found.get(name) == value for name, value in data.items()):
                return found

    def wait_reboot(self, timeout=180):
        """Until the guest is up again. The answers that it owed will not come any more."""
        self.guest.wait_ready(timeout)
        self.guest._unread = 0
