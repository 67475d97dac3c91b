"""Names whose values are secret: declared here, for headers, queries, bodies, errors and paths.

A name is secret when it contains one of `SECRET_STEMS`, when one of its words is one of
`SECRET_WORDS`, or when a word ends like `dbpass` and is not of `READABLE_WORDS`; `READABLE_NAMES`
look secret and are not. Names are compared without case and separators: `accessToken`,
`access-token` and `ACCESS_TOKEN` are one name. The lists draw on what request loggers and error
trackers of the field redact by default; those that blank every name with `key` or `salt` in it
hide more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

REDACTED = "[REDACTED]"
MAX_REMEMBERED = 10_000
MAX_NAME = 256

SECRET_STEMS = (
    "accesskey", "accountkey", "apikey", "assertion", "authorization", "authtoken", "cardnumber",
    "cookie", "credential", "creditcard", "csrf", "encryptionkey", "jsessionid", "masterkey",
    "mysqlpwd", "passcode", "passphrase", "passwd", "password", "phpsessid", "privatekey",
    "secret", "sessionid", "sessiontoken", "sharedkey", "signature", "signingkey",
    "subscriptionkey", "token", "xsrf",
)  # fmt: skip
SECRET_WORDS = frozenset({
    "auth", "bearer", "ccv", "cvc", "cvv", "iban", "jwt", "mfa", "otp", "pass", "pin", "psk", "pw",
    "pwd", "session", "sid", "sig", "totp",
})  # fmt: skip
SECRET_ENDINGS = ("pass", "pwd", "ssn")
"""No stem: `business_name` has an ssn in it."""
READABLE_WORDS = frozenset({
    "bypass", "compass", "encompass", "issn", "overpass", "surpass", "trespass", "underpass",
})  # fmt: skip
READABLE_NAMES = frozenset({
    "cachecreationinputtokens", "cachedtokens", "cachereadinputtokens", "completiontokens",
    "completiontokensdetails", "inputtokens", "inputtokensdetails", "maxcompletiontokens",
    "maxoutputtokens", "maxtokens", "outputtokens", "outputtokensdetails", "prompttokens",
    "prompttokensdetails", "reasoningtokens", "tokencount", "tokenpresent", "tokens", "tokenscheme",
    "tokensource", "tokensused", "tokentype", "tokenurl", "tokenusage", "tokenvalidity",
    "totaltokens", "xratelimitlimittokens", "xratelimitremainingtokens", "xratelimitresettokens",
})  # fmt: skip

LINE_STEMS = ("authorization", "cookie")
"""Headers whose values have parts: in free text such a value ends with its line or quotes."""
AUTH_SCHEMES = frozenset({
    "apikey", "aws4-hmac-sha256", "basic", "bearer", "digest", "dpop", "hawk", "hoba", "jwt",
    "mutual", "negotiate", "ntlm", "oauth", "privatetoken", "scram-sha-1", "scram-sha-256",
    "signature", "token", "vapid",
})  # fmt: skip

NAMING_KEYS = frozenset({
    "field", "header", "id", "key", "name", "param", "parameter", "path", "property", "type",
})  # fmt: skip
"""What may tell the name of a value that stands beside it: `{"name": "pin", "value": "1"}`."""
VALUED_KEYS = frozenset({"content", "val", "value", "values"})
"""Under what such a value stands."""

REJECTED_NAMES = ("input", "input_value")
"""What pydantic calls a value that it refuses, whatever it is: secret wherever errors are told."""

# One of these stands in every spelling of a secret name: a cheap test before the thorough ones.
HINTS = (
    "pass", "pw", "secret", "token", "auth", "key", "cookie", "cred", "csrf", "xsrf", "sess",
    "sid", "sig", "ssn", "assert", "card", "bearer", "ccv", "cvc", "cvv", "iban", "jwt", "mfa",
    "otp", "pin", "psk",
)  # fmt: skip
ANY_NAME = ("",)
"""Hints of one to whom any name may be secret."""

_WORD = re.compile(r"(?:[A-Z](?![a-z]))++|[A-Z]?[a-z]++|\d++")
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")

IsSecret = Callable[[str], bool]


class SecretNames:
    """Decides on names.

    `extra` names are secret too, `keep` names never are (whole names, case and separators ignored).
    With `rejecting`, the values that a validation refused are secret as well.
    """

    def __init__(
        self, extra: Iterable[str] = (), keep: Iterable[str] = (), *, rejecting: bool = False
    ) -> None:
        rejected = REJECTED_NAMES if rejecting else ()
        given = frozenset(map(squeeze, extra))
        self._extra = given | frozenset(map(squeeze, rejected))
        self._keep = READABLE_NAMES | frozenset(map(squeeze, keep))
        self.hints = ANY_NAME if given else (*HINTS, *rejected[:1])
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
        squeezed = squeeze(name)
        if squeezed in self._extra:
            return True
        if squeezed in self._keep:
            return False
        if any(stem in squeezed for stem in SECRET_STEMS):
            return True
        return any(map(_is_secret_word, _WORD.findall(name)))

    def may_be_in(self, text: str) -> bool:
        """Whether the text can hold a secret name at all; False is certain."""
        folded = text.lower()
        return "\\u" in folded or any(hint in folded for hint in self.hints)


def squeeze(name: str) -> str:
    """A name without case and separators."""
    return _NOT_ALPHANUMERIC.sub("", name.lower())


def _is_secret_word(word: str) -> bool:
    word = word.lower()
    if word in SECRET_WORDS:
        return True
    return word.endswith(SECRET_ENDINGS) and word not in READABLE_WORDS
