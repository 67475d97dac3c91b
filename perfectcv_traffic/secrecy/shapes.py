"""Secrets that are recognised by their own shape, wherever they stand in free text.

Every pattern takes time in proportion to the text, whatever the text is: what may repeat is taken
whole (possessive) and is not tried again from its middle.
"""

from __future__ import annotations

import re

from perfectcv_traffic.secrecy.names import REDACTED

# What has no dot is no token; taken all the same, so that it is not looked through once more.
_JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]*+((?:\.[\w-]*+){0,4}+)")
SCHEMES = ("bearer", "basic", "token", "apikey")
"""Of credentials that are recognised without a header around them; in lower case."""
_SCHEME_AND_CREDENTIAL = re.compile(
    rf"\b({'|'.join(SCHEMES)})\s++([\w.~+/=-]{{6,}}+)", re.IGNORECASE
)
LONGEST_MARK = 8
"""What tells that a secret by shape may begin is not longer: `eyJ`, `://`, a scheme."""
_AUTHORITY = re.compile(r":\\?/\\?/")
# A password may hold a slash, though it should not; a port before a path is no password.
_BEFORE_SLASH = re.compile(r"""[^\s/?#"'<>\\]*+""")
_USER = re.compile(r"""[^\s/:@"'<>\\]*+:(?!\d{1,5}+[/?#])""")
_END_OF_WORD = re.compile(r"""[\s"'<>\\]|\Z""")

_CUT_CREDENTIAL = re.compile(
    rf"\b({'|'.join(SCHEMES)})(?:\s++|\+|%20)[\w.~+/=-]{{1,5}}+\Z", re.IGNORECASE
)
_CUT_USERINFO = re.compile(r""":(?://|\\/\\/)([^\s/:@"'<>\\]*+:[^\s@"'<>\\]*+)\Z""")


def may_begin_in(beginning: str, text: str) -> bool:
    """Whether a secret by shape may begin in the beginning of a text; False is certain."""
    if "J" in beginning and "eyJ" in beginning:
        return True
    if "@" in text and "/" in beginning and ("://" in beginning or ":\\/" in beginning):
        return True
    has_gap = " " in text or "\t" in text
    return has_gap and any(map(beginning.lower().__contains__, SCHEMES))


def without_cut_end(text: str) -> str:
    """A redacted text that was cut, without a secret that shows by what followed: `://a:b` an @."""
    text = _CUT_CREDENTIAL.sub(rf"\1 {REDACTED}", text)
    userinfo = _CUT_USERINFO.search(text, max(text.rfind("://"), text.rfind(":\\/\\/"), 0))
    return text if userinfo is None else text[: userinfo.start(1)] + REDACTED


def without_jwts(text: str) -> str:
    """Text without JSON Web Tokens."""
    return _JWT.sub(_keep_dotless, text)


def _keep_dotless(match: re.Match[str]) -> str:
    return REDACTED if match[1] else match[0]


def without_credentials(text: str) -> str:
    """Text without what follows `Bearer` and the like."""
    return _SCHEME_AND_CREDENTIAL.sub(_keep_scheme, text)


def _keep_scheme(match: re.Match[str]) -> str:
    # "Token is missing" and "bearer authentication" are prose, not credentials.
    credential = match[2]
    prose = credential.isalpha() and credential.islower()
    return match[0] if prose else f"{match[1]} {REDACTED}"


def without_userinfo(text: str) -> str:
    """Text whose URLs name no user: `scheme://[REDACTED]@host`."""
    pieces: list[str] = []
    kept_until = word_end = at_sign = 0
    for slashes in _AUTHORITY.finditer(text):
        start = slashes.end()
        if slashes.start() < kept_until or not text[max(0, slashes.start() - 1)].isalnum():
            continue
        # What lies ahead is the same for all URLs before it, and looked for once.
        if at_sign < start and (at_sign := text.find("@", start)) < 0:
            break
        if word_end < start:
            word_end = _end_of_word(text, start)
        at = _end_of_userinfo(text, start, at_sign) if at_sign < word_end else -1
        if at >= 0:
            pieces += (text[kept_until:start], REDACTED)
            kept_until = at
    return "".join((*pieces, text[kept_until:]))


def _end_of_word(text: str, start: int) -> int:
    match = _END_OF_WORD.search(text, start)
    return len(text) if match is None else match.start()


def _end_of_userinfo(text: str, start: int, at_sign: int) -> int:
    """Where the `@` stands that ends the userinfo; -1 if the next one does not."""
    before_slash = _BEFORE_SLASH.match(text, start)
    if before_slash is not None and at_sign < before_slash.end():
        return text.rfind("@", start, before_slash.end())
    return at_sign if _USER.match(text, start, at_sign + 1) else -1
