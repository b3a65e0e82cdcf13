"""What was recorded once is diagnosed as it was then, whatever has been changed since."""

import pytest
from corpus import CASES, FOLDER
from vqitest.inspector import Report


@pytest.mark.parametrize("name", CASES)
def test_verdict(inspector, name):
    case = CASES[name]
    path = FOLDER / f"{name}.recording"
    done = inspector.run("--replay", path, "--format=json")
    assert done.stderr == ""
    report = Report(done.stdout, done.returncode)
    assert [finding["id"] for finding in report.findings] == case.findings
    assert report.states() == {("blk0", 0): case.state}
    assert report.json["gaps"] == []
    requests = report.queue("blk0", 0)["requests"]
    assert [request["detail"]["sector"] for request in requests] == ([8, 10, 12] if "stuck" in name else [])
    if "--stacks=all" in case.arguments:
        assert all(request["stack"] for request in requests)
        assert all(thread["stack"] for thread in report.json["threads"])
    text = inspector.run("--replay", path, "--verbose")
    assert (text.returncode, text.stderr) == (done.returncode, "")
    assert all(f" {finding}, confirmed" in text.stdout for finding in case.findings)


def test_every_recording_is_checked():
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(CASES)
