"""Findings in every format: valid by the formats' schemas, runnable, and the same in each."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from sarif_pydantic import Sarif

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.generate.accepted import read_accepted, split, write_accepted
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import Probed, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.selection import Selection
from perfectcv_traffic.render.found import as_text
from perfectcv_traffic.render.junit import as_junit
from perfectcv_traffic.render.probed import Report, as_json, as_json_lines
from perfectcv_traffic.render.sarif import as_sarif

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]

STARTED = "2026-11-22T10:00:00Z"


@pytest.fixture
def probed(api: str, credentials: Credentials) -> Probed:
    options = Options(selection=Selection(allow_writes=True), run_id="run")
    return find(api, options, credentials=credentials)


@pytest.fixture
def report(probed: Probed) -> Report:
    return Report(probed=probed, findings=probed.findings, started_at=STARTED)


def test_flaws_of_the_small_api_are_found(probed: Probed) -> None:
    found = {(one.rule, one.method, one.path, one.pointer) for one in probed.findings}
    assert found == {
        ("PT101", "GET", "/leaky", ""),
        ("PT201", "GET", "/crash", "/query/name"),
        ("PT201", "POST", "/teams", "/body/captain"),
    }


def test_junit_validates_against_its_schema(report: Report) -> None:
    schema = xmlschema.XMLSchema(Path(__file__).with_name("schemas") / "junit-10.xsd")
    schema.validate(as_junit(report))


def test_junit_has_a_failure_for_each_finding_and_counts_them(report: Report) -> None:
    root = ElementTree.fromstring(as_junit(report))
    failures = root.findall(".//failure")
    assert len(failures) == len(report.findings)
    assert sum(int(one.get("failures", "0")) for one in root) == len(failures)
    assert sum(int(one.get("tests", "0")) for one in root) == len(root.findall(".//testcase"))
    skipped = root.findall(".//skipped")
    assert all(one.get("message") for one in skipped)


def test_sarif_validates_and_has_a_result_for_each_finding(report: Report) -> None:
    document = json.loads(as_sarif(report))
    (run,) = Sarif.model_validate(document).runs
    assert [one.rule_id for one in run.results or ()] == [one.rule for one in report.findings]
    rules = document["runs"][0]["tool"]["driver"]["rules"]
    for one in document["runs"][0]["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]


SARIF_SCHEMA = os.environ.get("TRAFFIC_SARIF_SCHEMA", "")


@pytest.mark.skipif(
    not SARIF_SCHEMA and not os.environ.get("CI"),
    reason="TRAFFIC_SARIF_SCHEMA names no copy of SARIF's published schema",
)
def test_sarif_validates_against_the_published_schema(report: Report) -> None:
    schema = json.loads(Path(SARIF_SCHEMA).read_text("utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    document = json.loads(as_sarif(report))
    assert [error.message for error in validator.iter_errors(document)] == []
    document["runs"][0]["results"][0]["level"] = "catastrophe"
    assert not validator.is_valid(document)


def test_json_lines_begin_with_the_start_and_end_with_the_summary(report: Report) -> None:
    events = [json.loads(line) for line in as_json_lines(report).splitlines()]
    assert events[0]["event"] == "start"
    assert events[-1]["event"] == "summary"
    requests = [one for one in events if one["event"] == "request"]
    assert len(requests) == len(report.probed.outcomes)


def test_json_counts_what_it_lists(report: Report) -> None:
    document = json.loads(as_json(report))
    assert document["counts"]["findings"] == len(document["findings"]) == 3
    assert document["counts"]["requests"] == report.probed.requests
    assert sum(document["counts"]["by_status"].values()) == len(report.probed.outcomes)
    assert document["findings"][0]["class"] == "A"
    assert {one["rule"] for one in document["not_tested"]} == {"PT103", "PT104"}


def test_text_names_every_finding_and_what_was_not_tested(report: Report) -> None:
    text = as_text(report)
    for finding in report.findings:
        assert f"{finding.rule} {finding.method} {finding.path}" in text
        assert finding.curl in text
    assert "Not tested: PT103: give --expired-token-env or --jwt-secret-env" in text


def test_no_format_holds_a_secret(report: Report, secrets: tuple[str, ...]) -> None:
    for text in (as_text(report), as_json(report), as_json_lines(report), as_sarif(report)):
        assert not any(secret in text for secret in secrets)


def test_curl_lines_run_as_printed_with_the_secret_from_the_environment(
    report: Report, secrets: tuple[str, ...]
) -> None:
    token, key, password = secrets
    environment = {"PCV_TOKEN": token, "PCV_API_KEY": key, "PCV_PASSWORD": password}
    for finding in report.findings:
        done = subprocess.run(
            ["bash", "-c", finding.curl],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        status = finding.observed.split()[1]
        assert done.stdout.startswith(f"HTTP/1.1 {status}")


def test_accepted_findings_are_set_apart_and_keep_their_note(
    report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "accepted.json"
    first, *others = report.findings
    write_accepted(path, (), [first], date="2026-11-22")
    path.write_text(path.read_text().replace('"note": ""', '"note": "known"'))
    known = read_accepted(path)
    assert split(report.findings, known) == (tuple(others), (first,))
    write_accepted(path, known, report.findings, date="2026-11-23")
    assert [(one.date, one.note) for one in read_accepted(path)] == [
        ("2026-11-22", "known"),
        ("2026-11-23", ""),
        ("2026-11-23", ""),
    ]


def test_broken_baseline_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "accepted.json"
    path.write_text("[]")
    with pytest.raises(StorageError, match="--update-baseline"):
        read_accepted(path)
    assert read_accepted(tmp_path / "absent.json") == ()
