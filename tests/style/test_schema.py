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
    """The path of every member of every object in a document."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield (*path, name)
            yield from members(value, (*path, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from members(value, (*path, index))


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
    assert len(found) > 15
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


def test_every_member_is_required(documents, validator):
    for document in documents:
        for path in members(document):
            if any(isinstance(step, int) and step > 0 for step in path):
                continue  # the same members again
            broken = copy.deepcopy(document)
            del holder(broken, path)[path[-1]]
            assert not validator.is_valid(broken), path


def test_no_member_may_be_added(documents, validator):
    document = next(d for d in documents if d["findings"] and d["gaps"] and d["devices"])
    for path in members(document):
        broken = copy.deepcopy(document)
        holder(broken, path)["surplus"] = None
        assert not validator.is_valid(broken), path


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
