"""Values whose name stands beside them: `{"name": "pin", "value": "1"}`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.capture.quick_json import QuickScanner
from perfectcv_traffic.json_scan import scan
from perfectcv_traffic.redaction import Redactor

REDACTOR = Redactor()
QUICK = QuickScanner(REDACTOR.is_secret, 5, REDACTOR.text, REDACTOR.may_name_secrets)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"name":"pin","value":"x1"}]', '[{"name":"pin","value":"[REDACTED]"}]'),
        ('[{"value":"x1","name":"pin"}]', '[{"value":"[REDACTED]","name":"pin"}]'),
        ('{"Key":"password","Value":{"a":["x1"]}}', '{"Key":"password","Value":"[REDACTED]"}'),
        ('{"path":"/a/pin","value":null}', '{"path":"/a/pin","value":null}'),
        ('{"name":"x","value":"y"}', '{"name":"x","value":"y"}'),
        ('{"name":"pin"},{"value":"y"}', '{"name":"pin"},{"value":"y"}'),
        ('[{"name":"pin","value":["x1', '[{"name":"pin","value":"[REDACTED]"'),
        ('{"value":{"pin":"x1"},"name":"y"}', '{"value":{"pin":"[REDACTED]"},"name":"y"}'),
    ],
)
def test_value_is_secret_by_the_name_beside_it(text: str, expected: str) -> None:
    assert scan(text, REDACTOR.is_secret, 5).text == expected


WORDS = st.sampled_from(["name", "value", "Key", "values", "pin", "path", "/a/password", "x", "id"])
TREES = st.recursive(
    WORDS | st.none() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_quick_scan_shows_no_more_than_the_exact_one(tree: Any) -> None:
    text = json.dumps(tree)
    quick = QUICK.scan(text)
    if quick is not None:
        assert quick == scan(text, REDACTOR.is_secret, 5)


def test_secret_numbers_of_any_length_are_blanked() -> None:
    text = '{"pin": ' + "1" * 5000 + "}"
    assert QUICK.scan(text) is None  # no number of Python's: left to the exact one
    assert scan(text, REDACTOR.is_secret, 5).text == '{"pin": "[REDACTED]"}'
