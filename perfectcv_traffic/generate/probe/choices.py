"""What a search for defects can be asked for, and what it does unless it is told."""

from __future__ import annotations

from typing import Final

AUTH: Final = "auth"
NULL: Final = "null"
ANSWERS: Final = "answers"
RULES_OF: Final = {
    AUTH: ("PT101", "PT102", "PT103", "PT104", "PT105", "PT106", "PT107", "PT108"),
    NULL: ("PT201", "PT202", "PT204"),
    ANSWERS: ("PT203",),
}
"""The rules that each suite tests."""
SUITES: Final = tuple(RULES_OF)

DEFAULT_ADMIN_PATH: Final = r"(^|/)admin(/|$)"
"""Paths that a lower role must not reach, besides the operations that ask for scopes."""
DEFAULT_SLOW_SECONDS: Final = 2.0
"""From where on an answer counts as slow."""
