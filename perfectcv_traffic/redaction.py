"""What is secret, and how it is blanked: one redactor for headers, queries, bodies and errors.

Tokens, of which some characters stay readable, are masked in `capture/credentials.py`.

A name is secret when it contains one of `SECRET_STEMS`, or when one of its words is one of
`SECRET_WORDS`; `READABLE_NAMES` look secret and are not. Names are compared without case and
separators: `accessToken`, `access-token` and `ACCESS_TOKEN` are one name. The lists are the union
of what the request loggers and error trackers of the field redact by default.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, unquote_plus

REDACTED = "[REDACTED]"
MAX_REMEMBERED = 10_000
MAX_NAME = 256
MAX_ASSIGNED_NAME = 64

SECRET_STEMS = (
    "accesskey", "apikey", "assertion", "authorization", "authtoken", "cardnumber", "cookie",
    "credential", "csrf", "jsessionid", "mysqlpwd", "passphrase", "passwd", "password",
    "phpsessid", "privatekey", "secret", "sessionid", "sessiontoken", "signature", "ssn", "token",
    "xsrf",
)  # fmt: skip
SECRET_WORDS = frozenset({
    "auth", "bearer", "ccv", "cvc", "cvv", "iban", "jwt", "mfa", "otp", "pass", "pin", "pwd",
    "session", "sid", "sig", "totp",
})  # fmt: skip
READABLE_NAMES = frozenset({
    "completiontokens", "maxtokens", "prompttokens", "tokencount", "tokenpresent", "tokens",
    "tokenscheme", "tokensource", "tokensused", "tokentype", "tokenurl", "tokenvalidity",
    "totaltokens",
})  # fmt: skip

# One of these stands in every spelling of a secret name: a cheap test before the thorough ones.
_HINTS = (
    "pass", "pwd", "secret", "token", "auth", "key", "cookie", "cred", "csrf", "xsrf", "sess",
    "sid", "sig", "ssn", "assert", "card", "bearer", "ccv", "cvc", "cvv", "iban", "jwt", "mfa",
    "otp", "pin",
)  # fmt: skip

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")

# Secrets that are recognised by their own shape, wherever they stand in free text.
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]*(?:\.[\w-]*)?")
_SCHEME_AND_CREDENTIAL = re.compile(
    r"\b(Bearer|Basic|Token|ApiKey)\s+[\w.~+/=-]{6,}", re.IGNORECASE
)
_SCHEMES = ("bearer", "basic", "token", "apikey")
_LONGEST_MARK = 8
"""What tells that a secret by shape may begin is not longer: `eyJ`, `://`, a scheme."""
# A password may hold a slash, though it should not; a port before a path is no password.
_USERINFO = re.compile(
    r"""([a-z][a-z0-9+.-]*:\\?/\\?/)"""
    r"""(?:[^\s/?#"'<>\\]*@|[^\s/:@"'<>\\]*:(?!\d{1,5}[/?#])[^\s"'<>\\]*?@)""",
    re.IGNORECASE,
)
_NAME_CHARACTERS = f"{string.ascii_letters}{string.digits}_.-"
_NAMED = re.compile(r"""([\w.-]{2,64})\\*["']?\s*[=:]\s*""")
# The quotes may themselves be escaped: JSON inside a JSON string.
_VALUE = re.compile(
    r""""(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|(?P<escaped>\\+["']).*?(?:(?P=escaped)|\Z)"""
    r"""|[\[{][^\]}]*[\]}]?|[^\s,;&"'<>()\\]+""",
    re.DOTALL,
)
_QUOTE = re.compile(r"""\\*["']""")
_ADDRESSED = ("referer", "location", "content-location", "origin", "link", "refresh")


class Redactor:
    """Blanks secrets by name and by shape.

    `extra` names are secret too, `keep` names never are (whole names, case and separators ignored).
    `also` is applied to every text that is kept; when it fails the text is blanked.
    """

    def __init__(
        self,
        extra: Iterable[str] = (),
        keep: Iterable[str] = (),
        also: Callable[[str], str] | None = None,
    ) -> None:
        self._extra = frozenset(map(_squeeze, extra))
        self._keep = READABLE_NAMES | frozenset(map(_squeeze, keep))
        self._also = also
        self._hints = ("",) if self._extra else _HINTS
        self._known: dict[str, bool] = {}

    def is_secret(self, name: str) -> bool:
        """Whether the value under this name must not be kept."""
        known = self._known.get(name)
        if known is None:
            known = self._decide(name)
            if len(self._known) < MAX_REMEMBERED and len(name) < MAX_NAME:
                self._known[name] = known  # bounded: names come from clients
        return known

    def _decide(self, name: str) -> bool:
        squeezed = _squeeze(name)
        if squeezed in self._extra:
            return True
        if squeezed in self._keep:
            return False
        if any(stem in squeezed for stem in SECRET_STEMS):
            return True
        return any(word.lower() in SECRET_WORDS for word in _WORD.findall(name))

    def may_name_secrets(self, text: str) -> bool:
        """Whether the text can hold a secret name at all; False is certain."""
        folded = text.lower()
        return "\\u" in folded or any(hint in folded for hint in self._hints)

    def header(self, name: str, value: str) -> str:
        """A header's value as it may be kept: blank, or free of secrets by shape."""
        if name in ("cookie", "set-cookie"):
            return _cookie_names(value)
        if self.is_secret(name):
            return REDACTED
        if name in _ADDRESSED:
            return self.url(value)
        return self.text(value)

    def query(self, query: str) -> str:
        """A query string or urlencoded form, its order and spelling kept."""
        if not query:
            return query
        return "&".join(map(self._pair, query.split("&")))

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if value and self.is_secret(unquote_plus(name)):
            return f"{name}={REDACTED}"
        return f"{name}{equals}{self._encoded(value)}"

    def _encoded(self, value: str) -> str:
        """A percent-encoded value; a URL or a form may be inside it."""
        if "%" not in value:
            return self.text(value)
        plain = unquote_plus(value)
        clean = self.url(plain) if "?" in plain else self.text(plain)
        return value if clean == plain else quote(clean, safe="")

    def url(self, url: str) -> str:
        """A URL without userinfo and with its query and fragment redacted."""
        before, question, rest = url.partition("?")
        query, hash_mark, fragment = rest.partition("#")
        fragment = self.query(fragment) if "=" in fragment else fragment
        before = self.text(before) if "=" in before else self.shapes(before)
        return f"{before}{question}{self.query(query)}{hash_mark}{fragment}"

    def text(self, text: str) -> str:
        """Free text without `name=value` and `name: value` secrets and secrets by shape."""
        if "=" in text or ":" in text:
            text = self._without_assigned(text)
        return self.shapes(text)

    def _named(self, text: str) -> Iterator[re.Match[str]]:
        """What looks like a name before a value; only near hints, where there are any."""
        folded = text.lower()
        if "" in self._hints or len(folded) != len(text):
            yield from _NAMED.finditer(text)
            return
        hinted = [at for hint in self._hints if hint in folded for at in _places(hint, folded)]
        starts = {_name_start(text, at) for at in hinted}
        for start in sorted(starts):
            named = _NAMED.match(text, start)
            if named is not None:
                yield named

    def _without_assigned(self, text: str) -> str:
        pieces: list[str] = []
        kept_until = 0
        for named in self._named(text):
            if named.start() < kept_until or not self.is_secret(named[1]):
                continue
            value = _VALUE.match(text, named.end())
            if value is None or value[0].rstrip("]}").lower() in ("null", "none"):
                continue
            mark = _QUOTE.match(value[0])
            around = mark[0] if mark else ""
            pieces += (text[kept_until : named.end()], around, REDACTED, around)
            kept_until = value.end()
        return "".join((*pieces, text[kept_until:]))

    def shapes(self, text: str, enough: int | None = None) -> str:
        """Text without secrets that show by their own shape: JWTs, credentials, userinfo.

        Who keeps no more than `enough` characters may get just one more than that, which tells
        that there are more.
        """
        if enough is not None and self._also is None and len(text) > enough + _LONGEST_MARK:
            beginning = text[: enough + _LONGEST_MARK]
            if not _may_begin_in(beginning, text):
                return beginning[: enough + 1]
        # A single character is found thirty times as fast as several: the rarest is asked first.
        if "J" in text and "eyJ" in text:
            text = _JWT.sub(REDACTED, text)
        if "@" in text and "/" in text and ("://" in text or ":\\/" in text):
            text = _USERINFO.sub(rf"\1{REDACTED}@", text)
        if " " in text:
            folded = text.lower()
            if any(map(folded.__contains__, _SCHEMES)):
                text = _SCHEME_AND_CREDENTIAL.sub(_keep_scheme, text)
        return text if self._also is None else self._customised(text, self._also)

    def is_plain(self, text: str) -> bool:
        """Whether text without spaces, `=`, `:` and `@` is free of secrets for certain."""
        return self._also is None and "eyJ" not in text

    def _customised(self, text: str, also: Callable[[str], str]) -> str:
        try:
            return also(text)
        except KeyboardInterrupt:
            raise
        except BaseException:  # the application's own function: what it cannot judge is not kept
            return REDACTED


def _may_begin_in(beginning: str, text: str) -> bool:
    """Whether a secret by shape may begin in the beginning of a text; False is certain."""
    if "J" in beginning and "eyJ" in beginning:
        return True
    if "@" in text and "/" in beginning and ("://" in beginning or ":\\/" in beginning):
        return True
    return " " in text and any(map(beginning.lower().__contains__, _SCHEMES))


def _places(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _name_start(text: str, position: int) -> int:
    """Where the name begins of which a hint was found."""
    before = text[max(0, position - MAX_ASSIGNED_NAME) : position]
    return position - len(before) + len(before.rstrip(_NAME_CHARACTERS))


IsSecret = Callable[[str], bool]


def _squeeze(name: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", name.lower())


def _keep_scheme(match: re.Match[str]) -> str:
    # "Token is missing" and "bearer authentication" are prose, not credentials.
    credential = match[0].split(None, 1)[1]
    prose = credential.isalpha() and credential.islower()
    return match[0] if prose else f"{match[1]} {REDACTED}"


def _cookie_names(value: str) -> str:
    name, equals, rest = value.partition("=")
    if ";" not in rest:
        return f"{name}={REDACTED}" if equals else REDACTED
    return "; ".join(
        f"{part.partition('=')[0].strip()}={REDACTED}" for part in value.split(";") if "=" in part
    )
