"""Secrets in paths, by the place that a template gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.log.foreign import ForeignRecords
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.routes import by_templates
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.paths import without_parameters

IS_SECRET = Redactor().is_secret


@pytest.mark.parametrize(
    ("path", "template", "expected"),
    [
        ("/reset/x1", "/reset/{token}", "/reset/[REDACTED]"),
        ("/reset/x1/", "/reset/{token}", "/reset/[REDACTED]/"),
        ("/RESET/hun!ter%3D", "/reset/{token}/", "/RESET/[REDACTED]"),
        ("/a/x1/b/7", "/a/{token}/b/{id}", "/a/[REDACTED]/b/7"),
        ("/a/v-x1.json", "/a/v-{pin}.json", "/a/[REDACTED]"),
        ("/f/x1/x2/x3/end", "/f/{token}/end", "/f/[REDACTED]/end"),
        ("/f/x1/x2/x3", "/f/{name}/{token}", "/f/[REDACTED]"),
        ("/a/7", "/a/{id}", "/a/7"),
    ],
)
def test_parameter_is_blank_at_its_place(path: str, template: str, expected: str) -> None:
    assert without_parameters(path, template, IS_SECRET) == expected


STEP = st.text("abX-._~!%", min_size=1, max_size=5)


@given(STEP, STEP, st.booleans())
def test_other_steps_stay(own: str, secret: str, slash: bool) -> None:
    path = f"/a/{own}/{secret}{'/' * slash}"
    shown = without_parameters(path, "/a/{id}/{token}", IS_SECRET)
    assert shown == f"/a/{own}/[REDACTED]{'/' * slash}"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/app;jsessionid=Zq7", "/app;jsessionid=[REDACTED]"),
        ("/x%3Ftoken%3DZq7", "/x?token=[REDACTED]"),
        ("/reset/Zq7%3D?a=1", "/reset/[REDACTED]"),
        ("http://h/reset/Zq7", "/reset/[REDACTED]"),
    ],
)
def test_foreign_log_shows_no_secret_of_a_path(target: str, path: str) -> None:
    form = StoredForm(TrafficLog)
    records = ForeignRecords(form, Redactor(), by_templates(["/reset/{token}"]))
    row = records.build(target)
    assert row.path == path
    assert "Zq7" not in str(row)


def test_url_whose_query_is_encoded_is_redacted() -> None:
    assert Redactor().url("http://h/x%3Ftoken%3DZq7") == "http://h/x%3Ftoken=[REDACTED]"
    assert Redactor().url("http://h/a%20b/%C3%A9") == "http://h/a%20b/%C3%A9"
