"""The rules that `generate` and the analysis of recorded traffic judge by, declared once.

A rule's id is stable: it stands in findings, baselines and reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfectcv_traffic.errors import UsageError

SEVERITIES: Final = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of defect."""

    id: str
    letter: str
    """The class of the defect, a letter."""
    name: str
    severity: str
    security_severity: str
    """0.0 to 10.0, as code-scanning hosts rank."""
    title: str
    meaning: str
    seen: str
    """How `generate` sees it."""
    fix: str
    """What to do in FastAPI."""


RULES: Final = (
    Rule(
        id="PT101",
        letter="A",
        name="missing-check",
        severity="error",
        security_severity="9.1",
        title="Protected endpoint answered 2xx without a valid token",
        meaning="The document says that a credential is needed, and anyone is served without one.",
        seen="The exact request that succeeded with a credential succeeded without any.",
        fix=(
            "Depend on the function that verifies the caller, not on the scheme alone:\n"
            "    @router.get('/items', dependencies=[Depends(current_user)])\n"
            "A dependency declared with auto_error=False must refuse None itself."
        ),
    ),
    Rule(
        id="PT102",
        letter="B",
        name="garbage-accepted",
        severity="error",
        security_severity="9.1",
        title="A made-up credential is accepted",
        meaning="The endpoint checks that a credential is there, not that it is right.",
        seen="The request was refused without a credential and succeeded with a made-up one.",
        fix=(
            "OAuth2PasswordBearer, HTTPBearer and APIKeyHeader only take the credential out of\n"
            "the request. Verify it: jwt.decode(token, SECRET, algorithms=['HS256']), or\n"
            "hmac.compare_digest for a key."
        ),
    ),
    Rule(
        id="PT103",
        letter="C",
        name="expired-accepted",
        severity="error",
        security_severity="8.1",
        title="An expired token is accepted",
        meaning="A token that leaked once opens the endpoint for ever.",
        seen="The request succeeded with a token whose `exp` has passed.",
        fix=(
            "Leave verify_exp on and require the claim:\n"
            "    jwt.decode(token, SECRET, algorithms=['HS256'], options={'require': ['exp']})"
        ),
    ),
    Rule(
        id="PT104",
        letter="D",
        name="forged-accepted",
        severity="error",
        security_severity="9.8",
        title="A forged token is accepted",
        meaning="The signature is not verified: anyone can write a token for any user.",
        seen=(
            "The request succeeded with the claims of the valid token under `alg: none`, under a"
            " broken signature, or signed with another key."
        ),
        fix=(
            "Verify the signature with a fixed list of algorithms, never one read from the token:\n"
            "    jwt.decode(token, SECRET, algorithms=['HS256'])\n"
            "and nowhere options={'verify_signature': False}."
        ),
    ),
    Rule(
        id="PT105",
        letter="J",
        name="wrong-form-accepted",
        severity="error",
        security_severity="6.5",
        title="An empty credential or one under a wrong scheme is accepted",
        meaning="The header is taken apart so loosely that something else passes for a credential.",
        seen=(
            "The request succeeded with an empty credential, with the token bare or under another"
            " scheme, or with an API key in another place."
        ),
        fix=(
            "Let HTTPBearer or OAuth2PasswordBearer read the header instead of splitting it by\n"
            "hand, and refuse an empty secret before comparing."
        ),
    ),
    Rule(
        id="PT106",
        letter="H",
        name="wrong-refusal",
        severity="warning",
        security_severity="5.3",
        title="Something is told before the caller is authenticated",
        meaning=(
            "Without a valid credential the answer is neither 401 nor 403: it tells what exists,"
            " what is valid, or crashes."
        ),
        seen=(
            "The request that succeeded with a credential gave 404, 409, 422 or 5xx without a valid"
            " one, or an unknown id gave 404 to a caller without a credential."
        ),
        fix=(
            "Authenticate first: put Depends(current_user) on the router or the app, so that it\n"
            "runs before anything is looked up, and turn every decoding error into a 401."
        ),
    ),
    Rule(
        id="PT107",
        letter="L",
        name="missing-role-check",
        severity="error",
        security_severity="8.8",
        title="A lower role is let in",
        meaning="The endpoint asks who is calling and not what the caller may do.",
        seen="The administrator's request succeeded with the token of a lower role.",
        fix=(
            "Check the role or scope in a dependency of the whole admin router:\n"
            "    admin_only = Security(current_user, scopes=['admin'])\n"
            "    APIRouter(prefix='/admin', dependencies=[admin_only])\n"
            "and compare SecurityScopes.scopes with what the token grants."
        ),
    ),
    Rule(
        id="PT108",
        letter="I",
        name="credential-echoed",
        severity="error",
        security_severity="6.5",
        title="The credential comes back in the answer",
        meaning="Whatever logs, caches or shows the answer now holds a secret.",
        seen="The credential of the request was found in the headers or the body of its answer.",
        fix=(
            "Take tokens and request headers out of answers and of HTTPException details, and\n"
            "declare a response_model that has no place for them."
        ),
    ),
    Rule(
        id="PT201",
        letter="E",
        name="crash-on-null",
        severity="error",
        security_severity="5.3",
        title="Requests with a null fail 5xx",
        meaning="A null, an empty value, or an optional one left out crashes the endpoint.",
        seen="The same request succeeds without that and is answered 5xx with it.",
        fix=(
            "Either refuse it by type (`name: str`, not `str | None`), or handle None before use.\n"
            "For query parameters: `q: str | None = None`, and treat '' and 'null' on purpose."
        ),
    ),
    Rule(
        id="PT202",
        letter="F",
        name="null-accepted",
        severity="warning",
        security_severity="3.1",
        title="A null is accepted where the schema forbids it",
        meaning="Data that no reader expects is taken in, and surfaces later as a crash elsewhere.",
        seen="The request was answered 2xx with null in a field that is not nullable.",
        fix=(
            "Let a pydantic model read the body instead of `await request.json()` or `dict`; if\n"
            "null is meant to be allowed, say so: `field: str | None`."
        ),
    ),
    Rule(
        id="PT203",
        letter="G",
        name="null-in-answer",
        severity="warning",
        security_severity="3.1",
        title="An answer holds a null that its schema forbids",
        meaning="Clients written by the document break on this answer.",
        seen="A 2xx answer had null in a field that the document does not declare nullable.",
        fix=(
            "Return the model and let response_model validate it (a Response or JSONResponse is\n"
            "sent unchecked), or declare the field nullable: `field: float | None`."
        ),
    ),
    Rule(
        id="PT204",
        letter="K",
        name="slow-on-null",
        severity="warning",
        security_severity="4.3",
        title="A null makes the endpoint slow",
        meaning="One odd value keeps the server busy: a cheap way to take it down.",
        seen="With a null the answer took over the limit twice, and without it it did not.",
        fix=(
            "Look for a query that lost its filter, a retry or a timeout on the path that None\n"
            "takes, and refuse or default the value at the edge."
        ),
    ),
)

_BY_ID: Final = {rule.id: rule for rule in RULES}


def rule(rule_id: str) -> Rule:
    """The rule of this id, in any case; `UsageError` names all when there is none."""
    found = _BY_ID.get(rule_id.upper())
    if found is None:
        raise UsageError(f"unknown rule {rule_id!r}; the rules are: {', '.join(_BY_ID)}")
    return found


def is_at_least(severity: str, least: str) -> bool:
    """Whether a severity is as bad as `least`, or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(least)
