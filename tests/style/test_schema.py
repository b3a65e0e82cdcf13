# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON schema is valid, strict, and says what the program prints and the manual lists.

VQI_SAMPLE_JSON names the program that prints the samples of tests/support/sample.c.
"""

import copy
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "data/virtq-inspect.schema.json").read_text())
MANUAL = (ROOT / "man/virtq-inspect.1").read_text()


@pytest.fixture(scope="session")
def documents():
    program = os.environ.get("VQI_SAMPLE_JSON")
    if not program:
        pytest.skip("VQI_SAMPLE_JSON is not set")
    lines = subprocess.run([program], check=True, capture_output=True).stdout
    return [json.loads(line) for line in lines.decode("utf-8").splitlines()]


@pytest.fixture
def validator():
    return jsonschema.Draft202012Validator(SCHEMA)


def objects(schema):
    """All schemas of objects with known members, wherever they are."""
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def members(document, path=()):
    """The path of every member of every object in a document, but for what depends on the type of a device."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield (*path, name)
            if name != "detail":
                yield from members(value, (*path, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from members(value, (*path, index))


def kind_of(path):
    """The same for all items of a list: ("threads", "[]", "state")."""
    return tuple("[]" if isinstance(step, int) else step for step in path)


@pytest.fixture(scope="session")
def kinds(documents):
    """Every kind of member that the samples have, with one document that has it and its path there."""
    found = {}
    for document in sorted(documents, key=lambda document: len(json.dumps(document))):
        for path in members(document):
            found.setdefault(kind_of(path), (document, path))
    return found


def holder(document, path):
    for step in path[:-1]:
        document = document[step]
    return document


def manual_ids():
    """The items of the manual's list of findings."""
    section = MANUAL.split(".Sh FINDINGS", 1)[1].split("\n.Sh ", 1)[0]
    return re.findall(r"^\.It Sy (\S+)$", section, re.MULTILINE)


def test_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_is_strict():
    found = list(objects(SCHEMA))
    assert len(found) > 25
    for schema in found:
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])


def test_references_are_defined_and_used():
    text = json.dumps(SCHEMA)
    used = set(re.findall(r'"#/\$defs/(\w+)"', text))
    assert used == set(SCHEMA["$defs"])


def test_output_is_valid(documents, validator):
    assert len(documents) > 5
    for document in documents:
        validator.validate(document)


def test_every_member_is_required(kinds, validator):
    for document, path in kinds.values():
        broken = copy.deepcopy(document)
        del holder(broken, path)[path[-1]]
        assert not validator.is_valid(broken), path


def test_no_member_may_be_added(kinds, validator):
    for document, path in kinds.values():
        broken = copy.deepcopy(document)
        holder(broken, path)["surplus"] = None
        assert not validator.is_valid(broken), path


def test_samples_have_every_member(kinds):
    """What no sample has, the tests above do not test."""
    have = {kind[-1] for kind in kinds}
    for name, schema in {**SCHEMA["$defs"], "": {**SCHEMA, "$defs": {}}}.items():
        for found in objects(schema):
            assert set(found["properties"]) <= have, name


@pytest.mark.parametrize(
    "kind",
    [
        ("loops", "[]", "context"),
        ("threads", "[]", "mutex_owner"),
        ("vcpus", "[]", "panicked"),
        ("devices", "[]", "interrupt", "isr"),
        ("devices", "[]", "backends", "[]", "block", "parked"),
        ("devices", "[]", "backends", "[]", "block", "nodes", "[]", "serialising"),
        ("devices", "[]", "queues", "[]", "fault_place", "gpa"),
        ("devices", "[]", "queues", "[]", "findings", "[]", "known_fixes", "[]", "commit"),
        ("findings", "[]", "known_fixes", "[]", "commit"),
    ],
    ids="-".join,
)
def test_samples_have_every_object(kinds, kind):
    assert kind in kinds


@pytest.fixture(scope="session")
def values(documents):
    """The values of every kind of member, in all samples."""
    found = {}
    for document in documents:
        for path in members(document):
            found.setdefault(kind_of(path), []).append(holder(document, path)[path[-1]])
    return found


def test_every_member_has_a_value_in_some_sample(values):
    nothing_fills = {"driver_used_idx", "backend_pid"}
    for kind, found in values.items():
        if not nothing_fills & set(kind) and ("wrap", "device") != kind[-3:-1]:
            assert any(value is not None for value in found), kind


@pytest.mark.parametrize(
    "kind, schema",
    [
        (("queues", "[]", "state"), ("state",)),
        (("queues", "[]", "kind"), ("kind",)),
        (("queues", "[]", "ring_faults"), ("ring_faults", "items")),
        (("queues", "[]", "host_notifier", "handler"), ("host_notifier", "properties", "handler")),
    ],
    ids=lambda path: "-".join(path),
)
def test_samples_have_every_word(values, kind, schema):
    """So that the schema and the program have the same ones."""
    node = SCHEMA["$defs"]["queue"]["properties"]
    for step in schema:
        node = node[step]
    seen = set()
    for value in values[("devices", "[]", *kind)]:
        seen.update(value if isinstance(value, list) else [value])
    assert seen == set(node["enum"])


@pytest.mark.parametrize(
    "path, value",
    [
        (("schema",), "virtq-inspect/2"),
        (("exit_status",), 2),
        (("target", "kind"), "kvmtool"),
        (("target", "layout_source"), "guess"),
        (("target", "build_id"), "ABC"),
        (("capture", "time"), "2023-11-14 22:13:20"),
        (("devices", 0, "endian"), "middle"),
        (("devices", 0, "features", "host"), "120"),
        (("devices", 0, "features", "host"), 120),
        (("devices", 0, "queues", 0, "state"), "hung"),
        (("devices", 0, "queues", 0, "avail_idx"), 65536),
        (("devices", 0, "queues", 0, "avail_idx"), "0x10"),
        (("devices", 0, "queues", 0, "vring", "desc"), "0X10"),
        (("devices", 0, "queues", 0, "requests"), None),
        (("devices", 0, "interrupt", "msix_enabled"), 1),
        (("devices", 0, "transport", "ioeventfd_grabbed"), True),
        (("devices", 0, "backends", 0, "block"), {}),
        (("devices", 0, "backends", 0, "block", "iostatus"), "enospc"),
        (("devices", 0, "backends", 0, "block", "blk_addr"), None),
        (("devices", 0, "backends", 0, "block", "nodes"), None),
        (("devices", 0, "backends", 0, "block", "nodes", 0, "tracked"), -1),
        (("devices", 0, "queues", 0, "kick_due"), 0),
        (("devices", 0, "queues", 0, "host_notifier", "handler"), "unknown"),
        (("devices", 0, "queues", 0, "msix", "irqfd_users"), False),
        (("devices", 0, "queues", 0, "fault_place"), {}),
        (("devices", 0, "queues", 0, "ring_faults"), ["bad-luck"]),
        (("loops", 0, "name"), None),
        (("loops", 0, "tid"), "4242"),
        (("loops", 0, "context"), 4242),
        (("loops", 0, "nested"), 0),
        (("loops", 0, "coroutines"), 1),
        (("threads", 0, "tid"), None),
        (("threads", 0, "state"), ""),
        (("threads", 0, "state"), "S (sleeping)"),
        (("threads", 3, "mutex"), 7),
        (("threads", 3, "mutex_owner"), "main loop"),
        (("vcpus", 0, "index"), None),
        (("vcpus", 0, "halted"), 0),
        (("findings", 0, "known_fixes"), None),
        (("findings", 0, "known_fixes", 0, "commit"), None),
        (("findings", 0, "id"), "no-such-finding"),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "confidence"), "sure"),
        (("findings", 0, "confidence"), "candidate"),  # of an error
    ],
)
def test_wrong_values_are_refused(documents, validator, path, value):
    document = copy.deepcopy(next(d for d in documents if d["findings"] and d["findings"][0]["severity"] == "error"))
    validator.validate(document)
    holder(document, path)[path[-1]] = value
    assert not validator.is_valid(document)


def test_manual_lists_findings_of_the_schema():
    ids = manual_ids()
    assert len(ids) == len(set(ids)) > 0
    assert set(ids) <= set(SCHEMA["$defs"]["finding"]["properties"]["id"]["enum"])
