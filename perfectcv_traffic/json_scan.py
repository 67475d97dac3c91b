"""One reading of JSON text: finds nulls with their paths and blanks secret values.

`scan` reads tokens, not a tree, so any depth, a body that was cut, duplicate keys, numbers and
strings that decoders refuse are all handled the same way, with a stack instead of recursion.
`capture/quick_json.py` does the same for the JSON that most bodies are, at a tenth of the cost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from perfectcv_traffic.nulls import shortened
from perfectcv_traffic.secrecy.names import NAMING_KEYS, REDACTED, VALUED_KEYS, IsSecret

MAX_PATH_SEGMENTS = 64
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_PLAIN_NAME = re.compile(r"[^.\[\]\"'\s]+\Z")
_WHOLE_ESCAPES = re.compile(r'"(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*+', re.DOTALL)
"""A string to its end, or to where it was cut."""
_BLANK = f'"{REDACTED}"'

Clean = Callable[[str], str]


class NullValue(NamedTuple):
    """A JSON null: the last name on its path, and the path as `data.team.players[0].name`."""

    field_name: str
    field_path: str


class Scan(NamedTuple):
    """What a body holds once read: text without secrets, and its nulls."""

    text: str
    nulls: list[NullValue]
    null_count: int
    complete: bool
    """False when the text ended inside a value or is not JSON."""


def scan(text: str, is_secret: IsSecret, max_nulls: int, clean: Clean = str) -> Scan:
    """Read JSON text; at most `max_nulls` nulls are kept, all are counted.

    Strings that are written with escapes are kept as `clean` gives them back: only without the
    escapes does it show what they say.
    """
    scanner = _Scanner(text, is_secret, max_nulls, clean)
    scanner.run()
    complete = scanner.is_complete()
    return Scan(scanner.redacted(), scanner.nulls, scanner.null_count, complete)


class _Beside:
    """What an object says of one value by another: `{"name": "pin", "value": "1"}`."""

    def __init__(self) -> None:
        self.is_secret = False
        self.values: list[tuple[int, int]] = []


class _Scanner:
    def __init__(self, text: str, is_secret: IsSecret, max_nulls: int, clean: Clean) -> None:
        self.text = text
        self.clean = clean
        self.is_secret = is_secret
        self.max_nulls = max_nulls
        self.nulls: list[NullValue] = []
        self.null_count = 0
        # One entry per open container: the current key of an object, the position in a list.
        self.stack: list[str | int] = []
        self.key_follows = False
        self.secret_depth: int | None = None
        self.secret_start = 0
        self.blanks: list[tuple[int, int]] = []
        self.cleaned: dict[tuple[int, int], str] = {}
        """What stands in place of strings that are no secret and had one in them."""
        self.starts: list[int] = []
        """Where each open container begins."""
        self.beside: dict[int, _Beside] = {}
        """By depth of an object, what tells a name or has a value beside it."""
        self.values = 0
        self.malformed = False

    def run(self) -> None:
        for match in _TOKEN.finditer(self.text):
            token = match[0]
            if token == ",":
                self._next_item()
            elif token == ":":
                self.key_follows = False
            elif token in ("{", "["):
                self._open(token, match.start())
            elif token in ("}", "]"):
                self._close(token, match.end())
            elif self.key_follows:
                self._name(token)
            else:
                self._scalar(token, match.start(), match.end())

    def _open(self, token: str, start: int) -> None:
        self._begin_secret(start)
        self.values += not self.stack
        self.starts.append(start)
        self.stack.append("" if token == "{" else 0)
        self.key_follows = token == "{"

    def _close(self, token: str, end: int) -> None:
        if not self.stack or isinstance(self.stack[-1], str) != (token == "}"):
            self.malformed = True
            return
        self._end_object()
        self.stack.pop()
        self._value(self.starts.pop(), end)
        self.key_follows = False
        if self.secret_depth == len(self.stack):
            self._blank(self.secret_start, end)
            self.secret_depth = None

    def _next_item(self) -> None:
        if not self.stack:
            self.malformed = True
        elif isinstance(self.stack[-1], int):
            self.stack[-1] += 1
        else:
            self.key_follows = True

    def _name(self, token: str) -> None:
        self.malformed = self.malformed or not token.startswith('"')
        self.stack[-1] = _decode(token)

    def _scalar(self, token: str, start: int, end: int) -> None:
        self.values += not self.stack
        if token == "null":
            self._found_null()
        elif self.secret_depth is None and self._under_secret():
            self._blank(start, end)
        else:
            if "\\" in token and self.secret_depth is None:
                self._clean_string(token, start, end)
            self.malformed = self.malformed or not _is_scalar(token)
            self._value(start, end)

    def _clean_string(self, token: str, start: int, end: int) -> None:
        string = _WHOLE_ESCAPES.match(token)
        said = None if string is None else _decoded(f'{string[0]}"')
        if said is not None and (shown := self.clean(said)) != said:
            quoted = json.dumps(shown, ensure_ascii=False)
            self.cleaned[start, end] = quoted if _is_scalar(token) else quoted[:-1]

    def _value(self, start: int, end: int) -> None:
        """Note a value that may be the secret, or the name, of another beside it."""
        key = self.stack[-1] if self.stack else None
        if not isinstance(key, str):
            return
        folded = key.lower()
        if folded in VALUED_KEYS:
            self._beside().values.append((start, end))
        elif folded in NAMING_KEYS and self.text[start] == '"':
            beside = self._beside()
            name = _decode(self.text[start:end])
            beside.is_secret = beside.is_secret or self.is_secret(name)

    def _beside(self) -> _Beside:
        return self.beside.setdefault(len(self.stack), _Beside())

    def _end_object(self) -> None:
        beside = self.beside.pop(len(self.stack), None)
        if beside is not None and beside.is_secret:
            self.blanks += beside.values

    def _found_null(self) -> None:
        self.null_count += 1
        if len(self.nulls) < self.max_nulls:
            # Names inside a secret value are part of the secret.
            self.nulls.append(null_at(self.stack[: self.secret_depth]))

    def _under_secret(self) -> bool:
        return bool(self.stack) and isinstance(key := self.stack[-1], str) and self.is_secret(key)

    def _begin_secret(self, start: int) -> None:
        if self.secret_depth is None and self._under_secret():
            self.secret_depth, self.secret_start = len(self.stack), start

    def _blank(self, start: int, end: int) -> None:
        self.blanks.append((start, end))

    def redacted(self) -> str:
        if self.secret_depth is not None:  # the text ended inside a secret value
            self._blank(self.secret_start, len(self.text))
            self.secret_depth = None
        while self.stack:  # the text ended inside of these
            self._end_object()
            self.stack.pop()
            self._value(self.starts.pop(), len(self.text))
        return self._without_blanks()

    def _without_blanks(self) -> str:
        pieces: list[str] = []
        kept_until = 0
        spans = {**self.cleaned, **dict.fromkeys(self.blanks, _BLANK)}
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= kept_until:  # else it is part of what was blanked
                pieces += (self.text[kept_until:start], spans[start, end])
                kept_until = end
        return "".join((*pieces, self.text[kept_until:]))

    def is_complete(self) -> bool:
        return not self.stack and not self.malformed and self.values == 1


def null_at(steps: list[str | int]) -> NullValue:
    """The null to which these names and positions lead, told within bounds."""
    name = next((step for step in reversed(steps) if isinstance(step, str)), "$")
    return NullValue(shortened(name), _path_text(steps))


def _path_text(steps: list[str | int]) -> str:
    """A path for people: names joined by dots, positions and odd names in brackets."""
    shown = steps[:MAX_PATH_SEGMENTS]
    text = shortened("".join(map(_step, shown)).removeprefix(".") or "$")
    is_cut = len(steps) > MAX_PATH_SEGMENTS and not text.endswith("…")
    return text + "…" if is_cut else text


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    step = shortened(step)
    if _PLAIN_NAME.match(step):
        return f".{step}"
    return f"[{json.dumps(step, ensure_ascii=False)}]"


def _decode(token: str) -> str:
    decoded = _decoded(token) if "\\" in token else None
    return token.strip('"') if decoded is None else decoded


def _decoded(token: str) -> str | None:
    """What a string says; None where that cannot be told."""
    try:
        # A lone surrogate is legal JSON and illegal UTF-8.
        return str(json.loads(token, strict=False)).encode("utf-8", "replace").decode("utf-8")
    except ValueError:
        return None


_SCALAR = re.compile(
    r'"(?:[^"\\]|\\.)*+"\Z|true\Z|false\Z|NaN\Z|-?Infinity\Z|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\Z',
    re.DOTALL,
)


def _is_scalar(token: str) -> bool:
    return _SCALAR.match(token) is not None
