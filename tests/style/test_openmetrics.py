# SPDX-License-Identifier: GPL-2.0-or-later
"""A strict parser takes what --format=openmetrics writes; manual, alerts and dashboard name what is in it, and nothing else.

VQI_SAMPLE_OPENMETRICS names the program that prints the samples of tests/support/sample.c.
"""

import collections
import json
import os
import pathlib
import re
import subprocess

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as prometheus

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "man/virtq-inspect.1").read_text()
ALERTS = (ROOT / "data/virtq-inspect.rules.yml").read_text()
DASHBOARD = json.loads((ROOT / "data/virtq-inspect-dashboard.json").read_text())
RULES = re.findall(r'\.id = "([a-z-]+)"', (ROOT / "src/diagnose/rules.c").read_text())

# Labels of each family: what else there is would be a new series each time.
LABELS = {
    "build_info": {"version"},
    "target_info": {"vm", "kind", "arch", "qemu_version", "build_id", "layout_source"},
    "findings": {"vm", "id"},
    "finding_active": {"vm", "device", "queue", "role", "id", "severity", "confidence"},
    "device_info": {"vm", "device", "type", "transport", "vhost"},
    "queue_state": {"vm", "device", "queue", "role", "state"},
}


@pytest.fixture(scope="module")
def texts():
    program = os.environ.get("VQI_SAMPLE_OPENMETRICS")
    if not program:
        pytest.skip("VQI_SAMPLE_OPENMETRICS is not set")
    out = subprocess.run([program], check=True, capture_output=True).stdout.decode("utf-8")
    found = [text + "# EOF\n" for text in out.split("# EOF\n")]
    assert found.pop() == "# EOF\n"
    return found


@pytest.fixture(scope="module")
def families(texts):
    return [list(openmetrics.text_string_to_metric_families(text)) for text in texts]


@pytest.fixture(scope="module")
def names(families):
    return {family.name for family in families[-1]}


def samples(families):
    return [sample for family in families for sample in family.samples]


def test_a_strict_parser_takes_them(families):
    assert len(families) > 8
    for found in families:
        assert len(found) > 15
        for family in found:
            assert family.type == "gauge", family.name
            assert family.documentation.endswith(".")
            assert bool(family.unit) == family.name.endswith("_seconds")


def test_the_older_format_is_the_same(texts, families):
    for text, found in zip(texts, families):
        older = list(prometheus.text_string_to_metric_families(text))
        assert [(sample.name, sample.labels, sample.value) for sample in samples(older)] == [
            (sample.name, sample.labels, sample.value) for sample in samples(found)
        ]


def test_no_series_is_there_twice(families):
    for found in families:
        series = collections.Counter((sample.name, *sorted(sample.labels.items())) for sample in samples(found))
        assert max(series.values()) == 1


def test_labels(families):
    for family in families[-1]:
        name = family.name.removeprefix("virtq_inspect_")
        usual = {"vm", "device", "queue", "role"} if name.startswith("queue_") else {"vm"}
        for sample in family.samples:
            assert sample.name == family.name
            assert set(sample.labels) == LABELS.get(name, usual), name


def test_merged_is_all_of_them(families):
    *parts, merged = families
    assert len(samples(merged)) == sum(len(samples(part)) - 1 for part in parts[:-1]) + 1, "the tool is there once"
    names = {sample.labels["vm"] for sample in samples(merged) if "vm" in sample.labels}
    assert {"web1", "web1#2"} <= names


def test_every_rule_has_its_number(families):
    for found in families[:-2]:
        (family,) = [family for family in found if family.name == "virtq_inspect_findings"]
        assert [sample.labels["id"] for sample in family.samples] == RULES


def test_manual_lists_them(families):
    section = MANUAL.partition("\n.Sh METRICS\n")[2].partition("\n.Sh ")[0]
    assert re.findall(r"^\.It Sy (virtq_inspect_\w+)$", section, re.MULTILINE) == [family.name for family in families[-1]]


def words(text):
    return set(re.findall(r"\bvirtq_inspect_\w+", text))


def test_alerts_know_them(names):
    assert len(words(ALERTS)) > 4
    assert words(ALERTS) <= names


def expressions(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def test_dashboard_knows_them(names):
    shown = set().union(*map(words, expressions(DASHBOARD)))
    assert shown <= names
    left_out = names - shown
    assert left_out == {f"virtq_inspect_{name}" for name in ("build_info", "exit_status", "inspection_interval_seconds")} | {
        "virtq_inspect_device_info",
        "virtq_inspect_queue_size",
    }


def test_states_of_the_queries_are_states(families):
    known = {sample.labels["state"] for sample in samples(families[-1]) if "state" in sample.labels}
    asked = set(re.findall(r'state="([^"]*)"', ALERTS + "".join(expressions(DASHBOARD))))
    assert asked == {"stuck"}
    assert asked <= known


def test_panels_are_told_apart_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels) > 10
    cells = collections.Counter()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells.update((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"]))
    assert max(cells.values()) == 1
