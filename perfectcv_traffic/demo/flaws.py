"""The flaws that the demo has on purpose, as data for the documentation and the tests.

Everything else in the demo is meant to be right; `create_app(flaws=False)` has none of these.
"""

from typing import NamedTuple


class Flaw(NamedTuple):
    """One deliberate flaw: the rule that finds it, the operation, and what is wrong with it."""

    rule: str
    method: str
    path: str
    wrong: str


FLAWS = (
    Flaw(
        rule="PT101",
        method="GET",
        path="/api/v1/payments/invoices",
        wrong="declares the bearer scheme and never checks it: everyone's invoices without a token",
    ),
    Flaw(
        rule="PT102",
        method="GET",
        path="/api/v1/career-tools/skills",
        wrong="checks that a bearer token is there, not what it says: any text is accepted",
    ),
    Flaw(
        rule="PT201",
        method="GET",
        path="/cache",
        wrong="takes the text `null` or an empty `season` for None, then uses it as text: 500",
    ),
    Flaw(
        rule="PT201",
        method="POST",
        path="/api/v1/career-tools/cover-letter",
        wrong="documents `tone` as nullable and crashes when it is null: 500",
    ),
    Flaw(
        rule="PT203",
        method="GET",
        path="/api/v1/career-tools/market-trends",
        wrong="answers null in `median_salary`, which its schema does not allow",
    ),
)
"""Every deliberate flaw of the demo, by rule."""
