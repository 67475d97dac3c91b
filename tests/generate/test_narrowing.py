"""A run can be narrowed: to rules, to an earlier report, to a number of findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import Probed, ProbeOptions, find
from perfectcv_traffic.generate.only import Only, only_of
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.probe.budget import RunLimits
from perfectcv_traffic.generate.selection import Selection
from perfectcv_traffic.render.probed import Report, as_json

WRITING = Options(selection=Selection(allow_writes=True))


def _rules(probed: Probed) -> list[str]:
    return [one.rule for one in probed.findings]


def test_only_a_rule_lists_nothing_else(api: str, credentials: Credentials) -> None:
    probes = ProbeOptions(only=only_of(["PT101"], None))
    assert _rules(find(api, WRITING, probes, credentials=credentials)) == ["PT101"]


def test_report_is_tested_again_at_its_operations_alone(
    api: str, credentials: Credentials, tmp_path: Path
) -> None:
    first = find(api, WRITING, credentials=credentials)
    path = tmp_path / "report.json"
    path.write_text(as_json(Report(probed=first, findings=first.findings[-1:])))
    again = find(api, WRITING, ProbeOptions(only=only_of([], path)), credentials=credentials)
    assert [one.fingerprint for one in again.findings] == [first.findings[-1].fingerprint]
    assert len(again.operations) < len(first.operations)
    assert again.requests < first.requests


def test_number_of_findings_is_a_limit(api: str, credentials: Credentials) -> None:
    probes = ProbeOptions(limits=RunLimits(max_findings=1))
    probed = find(api, WRITING, probes, credentials=credentials)
    assert len(probed.findings) == 1
    assert probed.stop_reason == "1 findings (--max-findings)"


def test_unknown_rule_and_unusable_report_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PT999"):
        only_of(["PT999"], None)
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(StorageError, match="--replay"):
        only_of([], tmp_path / "report.json")
    (tmp_path / "empty.json").write_text('{"findings": []}')
    with pytest.raises(UsageError, match="no findings"):
        only_of([], tmp_path / "empty.json")
    assert Only().admits("PT101", "any")
