# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON schema of --diff is strict, says what the program prints, and of findings and gaps what that of a report says.

VQI_SAMPLE_DIFF names the program that prints what differs between the samples of tests/support/sample.c.
"""

import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
SCHEMA = json.loads((DATA / "virtq-inspect-diff.schema.json").read_text())
REPORT = json.loads((DATA / "virtq-inspect.schema.json").read_text())


@pytest.fixture(scope="module")
def documents():
    program = os.environ.get("VQI_SAMPLE_DIFF")
    if not program:
        pytest.skip("VQI_SAMPLE_DIFF is not set")
    lines = subprocess.run([program], check=True, capture_output=True).stdout
    return [json.loads(line) for line in lines.decode("utf-8").splitlines()]


def objects(schema):
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_schema_is_valid_and_strict():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for schema in objects(SCHEMA):
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])


def test_findings_and_gaps_are_those_of_a_report():
    own = {"side", "part", "change"}
    for name, schema in SCHEMA["$defs"].items():
        assert name in own or schema == REPORT["$defs"][name], name


def test_output_is_valid(documents):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for document in documents:
        validator.validate(document)
    kinds = {part["kind"] for document in documents for part in document["parts"]}
    assert kinds == set(SCHEMA["$defs"]["part"]["properties"]["kind"]["enum"])
    for name in ("findings_come", "findings_gone", "gaps_come", "gaps_gone"):
        assert any(document[name] for document in documents), name


def test_fields_are_those_of_a_report(documents):
    """Each level of a field is a member, or a place in a list, of what the report's schema has."""
    known = {name for schema in objects(REPORT) for name in schema["properties"]}
    for document in documents:
        for part in document["parts"]:
            for change in part["changes"]:
                assert change["old"] != change["new"]
                for level in change["field"].split("."):
                    assert level in known or level.isdigit(), change["field"]
