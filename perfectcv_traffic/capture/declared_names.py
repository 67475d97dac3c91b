"""Names under which an application asks for credentials: secret whatever they are.

`APIKeyHeader(name="X-Tenant")` says that the header is one, though its name does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

from perfectcv_traffic.capture.exchange import Declared
from perfectcv_traffic.capture.query import ReadQuery
from perfectcv_traffic.secrecy.names import REDACTED, squeeze


class DeclaredNames:
    """Learns names from the routes that were called, and blanks what stands under them.

    A client sends its key to routes that ask for none, too: once known, a name is secret for all.
    `keep` names stay readable.
    """

    def __init__(self, keep: Iterable[str] = ()) -> None:
        self._keep = frozenset(map(squeeze, keep))
        self._known: set[Declared] = set()
        self._names: dict[str, set[str]] = {"header": set(), "query": set()}
        """By location; a cookie's value is blanked whatever its name is."""

    def learn(self, declared: Iterable[Declared]) -> None:
        """Note what a route asks for."""
        for place in declared:
            if place not in self._known:
                self._known.add(place)
                if place.location in self._names and squeeze(place.name) not in self._keep:
                    self._names[place.location].add(place.name)

    def in_headers(self, kept: dict[str, str]) -> dict[str, str]:
        """Headers without these values; the same if there are none."""
        found = [name for name in self._names["header"] if name in kept]
        return {**kept, **dict.fromkeys(found, REDACTED)} if found else kept

    def in_query(self, query: ReadQuery) -> ReadQuery:
        """A query without these values; the same if there are none."""
        names = self._names["query"]
        if not names or not query.shown:
            return query
        shown = "&".join(_blank(pair, names) for pair in query.shown.split("&"))
        if shown == query.shown:
            return query
        return query._replace(shown=shown, plain=unquote(shown))


def _blank(pair: str, names: set[str]) -> str:
    name, _, value = pair.partition("=")
    return f"{name}={REDACTED}" if value and unquote_plus(name) in names else pair
