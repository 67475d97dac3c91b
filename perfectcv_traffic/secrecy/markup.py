"""Secrets in XML and HTML: elements by name, and values of tags that name them in an attribute.

`<password>x</password>`, `<input name="csrf_token" value="x">`, `<entry key="password">x</entry>`,
`<name>password</name><value>x</value>`.
"""

from __future__ import annotations

import re

from perfectcv_traffic.secrecy.names import MAX_NAME, NAMING_KEYS, REDACTED, VALUED_KEYS, IsSecret

_TAG = re.compile(r"<([A-Za-z_][\w:.-]*+)([^<>]*+)(?:>|\Z)")
"""The last one may have been cut."""
_CLOSE = re.compile(r"</([A-Za-z_][\w:.-]*+)")
_ATTRIBUTE = re.compile(
    r"""(?<![\w:.-])([\w:.-]++)\s*+=\s*+\\*+(?:"([^"\\]*+)|'([^'\\]*+)|([^\s"'\\/>]++))"""
)


def without_elements(text: str, is_secret: IsSecret) -> str:
    """Text whose elements and tags show no value of a secret name."""
    if "<" not in text:
        return text
    last_close = {close[1]: close.start() for close in _CLOSE.finditer(text)}
    pieces: list[str] = []
    kept_until = 0
    is_next = False
    for tag in _TAG.finditer(text):
        if tag.start() < kept_until:
            continue
        is_named = "=" in tag[2] and _names_secret(tag, is_secret)
        spans = _values_in(tag) if is_named else []
        local = _local(tag[1]).lower()
        if local in NAMING_KEYS:
            is_next = is_secret(_text_in(text, tag))
        is_value = is_next and local in VALUED_KEYS
        is_next = is_next and not is_value
        if (is_value or is_secret(_local(tag[1]))) and not tag[2].endswith("/"):
            spans += _content(text, tag, last_close.get(tag[1], -1))
        elif is_named:
            spans += _plain_content(text, tag)
        for start, end in spans:
            pieces += (text[kept_until:start], REDACTED)
            kept_until = end
    return "".join((*pieces, text[kept_until:]))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _names_secret(tag: re.Match[str], is_secret: IsSecret) -> bool:
    return any(
        _local(found[1]).lower() in NAMING_KEYS
        and is_secret(found[2] or found[3] or found[4] or "")
        for found in _ATTRIBUTE.finditer(tag[2])
    )


def _values_in(tag: re.Match[str]) -> list[tuple[int, int]]:
    """Where the values stand in a tag that names a secret."""
    return [
        (tag.start(2) + found.start(number), tag.start(2) + found.end(number))
        for found in _ATTRIBUTE.finditer(tag[2])
        if _local(found[1]).lower() in VALUED_KEYS
        for number in (2, 3, 4)
        if found[number]
    ]


def _text_in(text: str, tag: re.Match[str]) -> str:
    """What stands behind a tag before the next one, if it is short."""
    end = text.find("<", tag.end(), tag.end() + MAX_NAME)
    return text[tag.end() : max(end, tag.end())]


def _content(text: str, tag: re.Match[str], last_close: int) -> list[tuple[int, int]]:
    """What an element holds; `<token>` in prose holds nothing, and is followed by a space."""
    start = tag.end()
    if last_close >= start:
        end = text.find(f"</{tag[1]}", start)
    elif text[start : start + 1].isspace():
        return []
    else:
        end = text.find("<", start)
    end = len(text) if end < 0 else end
    return [(start, end)] if end > start else []


def _plain_content(text: str, tag: re.Match[str]) -> list[tuple[int, int]]:
    """What an element holds that holds no other."""
    end = text.find("<", tag.end())
    is_whole = end > tag.end() and text.startswith(f"</{tag[1]}", end)
    return [(tag.end(), end)] if is_whole else []
