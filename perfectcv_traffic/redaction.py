"""How secrets are blanked: one redactor for headers, queries, bodies, paths and errors.

What is secret is declared in `secrecy`: names, shapes, where a value ends. Tokens, of which some
characters stay readable, are masked in `capture/credentials.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote, unquote, unquote_plus

from perfectcv_traffic.json_scan import scan
from perfectcv_traffic.secrecy import markup, shapes, values
from perfectcv_traffic.secrecy.names import REDACTED, SecretNames

ENCODED_AGAIN = 2
"""How often what was encoded is looked for inside what was encoded."""

_DOCUMENT = re.compile(r'[{\[]\s*+"')
"""How JSON begins."""
_COOKIE = re.compile(r"""([^=;]*+)(?:(=)(?:\s*+"[^"]*+"?+)?+[^;]*+)?+(?:;|\Z)""")
_COOKIE_FLAGS = ("", "httponly", "secure", "partitioned")
_PATH_SAFE = "/:@!$&'()*+,;=~-._[]"
_URL_SAFE = f"{_PATH_SAFE}?#%"
_WORD = re.compile(r"""[^\s"'<>\\]++""")
ADDRESSED = (
    "referer", "location", "content-location", "origin", "link", "refresh", "destination",
    "hx-current-url", "hx-push-url", "hx-redirect", "hx-replace-url", "x-accel-redirect",
    "x-envoy-original-path", "x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-url",
)  # fmt: skip
"""Headers whose values are URLs, or hold some: proxies send along what they were asked for."""


class Redactor:
    """Blanks secrets by name and by shape.

    `extra` names are secret too, `keep` names never are (whole names, case and separators ignored);
    with `rejecting`, so are the values that a validation refused. `also`, which must not raise, is
    applied to every text that is kept.
    """

    def __init__(
        self,
        extra: Iterable[str] = (),
        keep: Iterable[str] = (),
        also: Callable[[str], str] | None = None,
        *,
        rejecting: bool = False,
    ) -> None:
        self._names = SecretNames(extra, keep, rejecting=rejecting)
        self._also = also
        self.is_customised = also is not None
        self.is_secret = self._names.is_secret
        """Whether the value under a name must not be kept."""
        self.may_name_secrets = self._names.may_be_in
        """Whether a text can hold a secret name at all; False is certain."""

    def header(self, name: str, value: str) -> str:
        """A header's value as it may be kept: blank, or free of secrets by shape."""
        if name in ("cookie", "set-cookie"):
            return _cookies(value)
        if self.is_secret(name):
            return REDACTED
        if name in ADDRESSED:
            return self.url(value)
        return self.text(value)

    def query(self, query: str) -> str:
        """A query string or urlencoded form, its order and spelling kept."""
        if not query:
            return query
        return "&".join(map(self._pair, query.split("&")))

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        shown = name if name.isalnum() else self._encoded(name)
        if value and self.is_secret(unquote_plus(name)):
            return f"{shown}={REDACTED}"
        return f"{shown}{equals}{self._encoded(value)}"

    def _encoded(self, value: str, layers: int = ENCODED_AGAIN) -> str:
        """A percent-encoded value; a URL or a form may be inside it, encoded once more."""
        if "%" not in value and "+" not in value:
            return self.text(value)
        plain = unquote_plus(value)
        if "%" in plain and layers and plain != value:
            clean = self._encoded(plain, layers - 1)
        else:
            is_url = "?" in plain and not plain.startswith(("{", "["))
            clean = self.url(plain) if is_url else self.text(plain)
        return value if clean == plain else quote(clean, safe="")

    def url(self, url: str) -> str:
        """A URL without userinfo and with its query and fragment redacted."""
        before, question, rest = url.partition("?")
        query, hash_mark, fragment = rest.partition("#")
        fragment = self.query(fragment) if "=" in fragment else fragment
        before = self._encoded_path(before) if "%" in before else self.path(before)
        return f"{before}{question}{self.query(query)}{hash_mark}{fragment}"

    def path(self, path: str) -> str:
        """A decoded path: matrix parameters (`/app;jsessionid=..`), a query that was encoded."""
        return self.text(path) if "=" in path else self.shapes(path)

    def _encoded_path(self, path: str) -> str:
        plain = unquote(path)
        clean = self.path(plain)
        return self.path(path) if clean == plain else quote(clean, safe=_PATH_SAFE)

    def text(self, text: str) -> str:
        """Free text, also around JSON, free of secrets by name (`name=value`) and by shape."""
        return self._custom(self._clean(text, ENCODED_AGAIN))

    def json_string(self, text: str) -> str:
        """What a string of JSON says, as it may be kept inside a text that is redacted, too."""
        return self._clean(text, ENCODED_AGAIN)

    def _clean(self, text: str, layers: int) -> str:
        begin = _DOCUMENT.search(text) if layers and '"' in text else None
        if begin is not None and self.may_name_secrets(text):
            inner = partial(self._clean, layers=layers - 1)
            document = scan(text[begin.start() :], self.is_secret, 0, inner).text
            text = text[: begin.start()] + document
        return self._free(text)

    def free_text(self, text: str) -> str:
        """The same for text that is no JSON, or was read as such."""
        return self._custom(self._free(text))

    def _free(self, text: str) -> str:
        text = _without_shapes(self._without_named(text))
        return _WORD.sub(self._without_encoded, text) if "%" in text else text

    def _without_encoded(self, word: re.Match[str]) -> str:
        """A word of a text, which may be a URL with another one in its query, or a part of one."""
        plain = word[0]
        for _ in range(ENCODED_AGAIN):
            encoded, plain = plain, unquote(plain)
            if plain == encoded:
                break
            clean = _without_shapes(self._without_named(plain))
            if clean != plain:
                return quote(clean, safe=_URL_SAFE)
        return word[0]

    def _without_named(self, text: str) -> str:
        if "=" in text or ":" in text or "<" in text or "('" in text or "(b'" in text:
            places = values.hinted(text, self._names.hints)
            if places:
                text = values.without_assigned(text, places, self.is_secret)
                text = markup.without_elements(text, self.is_secret)
        return text

    def shapes(self, text: str, enough: int | None = None) -> str:
        """Text without secrets that show by their own shape: JWTs, credentials, userinfo.

        Who keeps no more than `enough` characters may get just one more than that, which tells
        that there are more.
        """
        if enough is not None and self._also is None and len(text) > enough + shapes.LONGEST_MARK:
            beginning = text[: enough + shapes.LONGEST_MARK]
            if not shapes.may_begin_in(beginning, text):
                return beginning[: enough + 1]
        return self._custom(_without_shapes(text))

    def _custom(self, text: str) -> str:
        return text if self._also is None else self._also(text)

    def is_plain(self, text: str) -> bool:
        """Whether text without spaces, `=`, `:` and `@` is free of secrets for certain."""
        return self._also is None and "eyJ" not in text


def _without_shapes(text: str) -> str:
    # A single character is found thirty times as fast as several: the rarest is asked first.
    if "J" in text and "eyJ" in text:
        text = shapes.without_jwts(text)
    if "@" in text and "/" in text and ("://" in text or ":\\/" in text):
        text = shapes.without_userinfo(text)
    if " " in text or "\t" in text:
        folded = text.lower()
        if any(map(folded.__contains__, shapes.SCHEMES)):
            text = shapes.without_credentials(text)
    return text


def _cookies(value: str) -> str:
    """Cookies by name; what has no name is a value. A quoted value may hold a semicolon."""
    return "; ".join(filter(None, map(_cookie, _COOKIE.findall(value)))) or REDACTED


def _cookie(parts: tuple[str, str]) -> str:
    name = parts[0].strip()
    if parts[1]:
        return f"{name}={REDACTED}"
    return name if name.lower() in _COOKIE_FLAGS else REDACTED
