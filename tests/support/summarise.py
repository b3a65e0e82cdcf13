"""Count the tests of a run: the last line is "N passed, N failed, N skipped". The soak's inspections have a line before it.

A test program of meson's may hold many tests: those written with Check say how many, and so does pytest. Any other program
counts as one. The exit status is 1 when a test failed, when a log is missing, or when no test was run at all.
"""

import argparse
import collections
import json
import re
import sys
import xml.etree.ElementTree
from pathlib import Path

FAILED_CHECK = re.compile(r"^[^ :]+:\d+:[FE]:.*$", re.MULTILINE)
SKIPPED_PYTEST = re.compile(r"^SKIPPED \[\d+\] (.*)$", re.MULTILINE)
CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.MULTILINE)
PYTEST = re.compile(r"^=+ (.*\b(?:passed|failed|skipped|error)\b.*) in [\d.]+s.*=+$", re.MULTILINE)

OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


class Summary:
    def __init__(self):
        self.counts = collections.Counter()
        self.groups = collections.defaultdict(collections.Counter)
        self.remarks = []
        # What the soak counted, in its order.
        self.soak = {}

    def add(self, group, outcome, number=1):
        self.counts[outcome] += number
        self.groups[group][outcome] += number

    def remark(self, outcome, name, why):
        self.remarks.append(f"{outcome}: {name}: {why}")


def from_check(output):
    found = CHECK.findall(output)
    if not found:
        return None
    total, failures, errors = (sum(int(row[column]) for row in found) for column in range(3))
    return collections.Counter(passed=total - failures - errors, failed=failures + errors)


def from_pytest(output):
    found = PYTEST.findall(output)
    if not found:
        return None
    counts = collections.Counter({word: int(number) for number, word in re.findall(r"(\d+) (\w+)", found[-1])})
    failed = counts["failed"] + counts["error"] + counts["errors"]
    return collections.Counter(passed=counts["passed"], failed=failed, skipped=counts["skipped"])


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it does not say why"


def add_meson(summary, path):
    for line in path.read_text().splitlines():
        test = json.loads(line)
        output = test.get("stdout") or ""
        name = test["name"]
        outcome = OUTCOMES.get(test["result"], "failed")
        inner = from_check(output) or from_pytest(output)
        if inner is None or outcome == "skipped":
            inner = collections.Counter({outcome: 1})
        elif outcome == "failed" and not inner["failed"]:
            # All its tests passed and then it failed, as on a leak that is found at the end.
            inner["failed"] += 1
        for what, number in inner.items():
            # meson's names are "project:suite / name".
            summary.add(name.partition(" / ")[0], what, number)
        if outcome == "failed":
            for why in FAILED_CHECK.findall(output) or [f"{test['result']}, status {test.get('returncode')}"]:
                summary.remark("failed", name, why)
        elif outcome == "skipped":
            summary.remark("skipped", name, last_line(output + "\n" + (test.get("stderr") or "")))
        elif inner["skipped"]:
            for why in SKIPPED_PYTEST.findall(output) or ["a part of it; run pytest with -rs to see why"]:
                summary.remark("skipped", name, why)


def add_junit(summary, path):
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = next((x for x in case if x.tag in ("failure", "error")), None)
        skip = case.find("skipped")
        if problem is not None:
            summary.add("e2e", "failed")
            summary.remark("failed", name, (problem.get("message") or "").split("\n")[0][:200])
        elif skip is not None:
            summary.add("e2e", "skipped")
            summary.remark("skipped", name, skip.get("message"))
        else:
            summary.add("e2e", "passed")
    add_soak(summary, path)


def add_soak(summary, path):
    """Each of its tests says what it counted."""
    for entry in xml.etree.ElementTree.parse(path).iterfind("testsuite/testcase/properties/property"):
        kind, _, what = entry.get("name").partition(": ")
        if kind == "soak":
            summary.soak[what] = summary.soak.get(what, 0) + int(entry.get("value"))


def line(counts):
    return f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"


def soak_line(counts):
    rate = counts["inspections"] / max(1, counts["seconds"])
    return f"soak: {', '.join(f'{number} {what}' for what, number in counts.items())}: {rate:.1f} inspections a second"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--meson", type=Path, action="append", default=[], help="meson's testlog.json")
    parser.add_argument("--junit", type=Path, action="append", default=[], help="pytest's junit.xml")
    arguments = parser.parse_args()
    summary = Summary()
    complete = True
    for reader, paths in ((add_meson, arguments.meson), (add_junit, arguments.junit)):
        for path in paths:
            if path.exists():
                reader(summary, path)
            else:
                complete = False
                print(f"no {path}: these tests did not run to the end")
    for text in summary.remarks:
        print(text)
    for group, counts in summary.groups.items():
        print(f"{group}: {line(counts)}")
    if summary.soak:
        print(soak_line(summary.soak))
    print(line(summary.counts))
    return 0 if complete and summary.counts["passed"] and not summary.counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
