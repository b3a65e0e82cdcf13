"""Makes the recordings of corpus.py anew: see script/recordings. It is no test, and is not collected as one."""

import pytest
from corpus import CASES, FOLDER
from vqitest.inspector import Report


@pytest.mark.parametrize("name, rig", [(name, case.kind) for name, case in CASES.items()], indirect=["rig"])
def test_make(name, rig):
    case = CASES[name]
    case.make(rig)
    path = FOLDER / f"{name}.recording"
    FOLDER.mkdir(exist_ok=True)
    done = rig.inspector.run("--pid", rig.vm.pid, "--format=json", "--record", path, *case.arguments)
    report = Report(done.stdout, done.returncode)
    assert [finding["id"] for finding in report.findings] == case.findings
    assert report.states() == {("blk0", 0): case.state}
    path.chmod(0o644)
