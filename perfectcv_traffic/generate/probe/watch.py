"""What every answer is searched for: the credential that was sent, and nulls that may not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from perfectcv_traffic.generate.credential_variants import AUTHORIZATION, Presented
from perfectcv_traffic.generate.nullability import Nullability, Step
from perfectcv_traffic.generate.openapi import Document, Json
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.places import pointer
from perfectcv_traffic.generate.probe.choices import ANSWERS, AUTH
from perfectcv_traffic.generate.probe.exchange import Reply
from perfectcv_traffic.generate.probe.findings import Ledger, Sign, Verdict

MIN_SECRET_CHARACTERS: Final = 8
"""Shorter ones could be in an answer by chance."""
_JSON: Final = "json"
_NULL: Final = b"null"
_UNREAD: Final = "an answer was too long, or no whole JSON"
_SET_COOKIE: Final = "/response/headers/set-cookie"


@dataclass(slots=True)
class Watch:
    """Judges answers one by one; the findings go into the ledger."""

    document: Document
    ledger: Ledger
    suites: frozenset[str]
    _schemas: dict[tuple[str, str], Nullability] = field(default_factory=dict)

    def look_at(self, reply: Reply) -> None:
        """Search one answer."""
        if reply.status is None:
            return
        if AUTH in self.suites:
            self._search_credential(reply)
        if ANSWERS in self.suites and reply.succeeded:
            self._search_nulls(reply)

    def _search_credential(self, reply: Reply) -> None:
        operation, presented = reply.case.operation, reply.case.presented
        secrets = secrets_in(presented)
        if not secrets:
            return
        found = (place for secret in secrets for place in _places_of(reply, secret))
        # A session that slides is set again where it came from.
        is_renewed = any(_is_set_again(reply, *pair) for pair in presented.cookies.items())
        where = next((one for one in found if not (is_renewed and one == _SET_COOKIE)), None)
        if where is None:
            self.ledger.note("PT108", operation, Verdict.PASSED)
        elif not self.ledger.has("PT108", operation):
            self.ledger.accuse(
                Sign(
                    rule="PT108",
                    reply=reply,
                    pointer=where,
                    expected="an answer without the credential",
                    observed=f"answered {reply.text} with the credential of the request in it",
                )
            )

    def _search_nulls(self, reply: Reply) -> None:
        operation = reply.case.operation
        schema = self._schema(operation, reply.status or 0)
        content_type = reply.answer.headers.get("content-type", "")
        is_bare = operation.method == "HEAD"
        if schema is None or _JSON not in content_type or is_bare:
            return
        value = reply.json()
        if value is None and reply.answer.body.strip() != _NULL:
            self.ledger.note("PT203", operation, Verdict.INCONCLUSIVE, _UNREAD)
            return
        self.ledger.note("PT203", operation, Verdict.PASSED)
        for place in schema.forbidden(value):
            self.ledger.accuse(
                Sign(
                    rule="PT203",
                    reply=reply,
                    pointer=pointer(("response", *place)) or "",
                    expected="a value, as the schema of the answer says",
                    observed=f"answered {reply.text} with null there",
                )
            )

    def _schema(self, operation: Operation, status: int) -> Nullability | None:
        declared = operation.responses
        names = (str(status), f"{status // 100}XX", "DEFAULT")
        name = next((one for one in names if one in declared), None)
        if name is None:
            return None
        key = (operation.key, name)
        if key not in self._schemas:
            self._schemas[key] = Nullability(self.document, declared[name])
        return self._schemas[key]


def secrets_in(presented: Presented) -> list[str]:
    """The credentials of a request without the name of their scheme, those too short left out."""
    texts = [*presented.query.values(), *presented.cookies.values()]
    for name, text in presented.headers.items():
        texts.append(text.rpartition(" ")[2] if name == AUTHORIZATION else text)
    return [text for text in texts if len(text) >= MIN_SECRET_CHARACTERS]


def _places_of(reply: Reply, secret: str) -> Iterator[str]:
    for name, value in reply.answer.headers.items():
        if secret in value:
            yield f"/response/headers/{name.lower()}"
    if secret.encode() in reply.answer.body:
        found = next(_paths_of(reply.json(), secret), ())
        yield pointer(("response", *found)) or ""


def _is_set_again(reply: Reply, name: str, secret: str) -> bool:
    return f"{name}={secret}" in reply.answer.headers.get("set-cookie", "")


def _paths_of(value: Json, secret: str) -> Iterator[tuple[Step, ...]]:
    waiting: list[tuple[tuple[Step, ...], Json]] = [((), value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str) and secret in one:
            yield place
        elif isinstance(one, dict):
            waiting.extend(((*place, name), part) for name, part in one.items())
        elif isinstance(one, list):
            waiting.extend(((*place, "*"), part) for part in one)
