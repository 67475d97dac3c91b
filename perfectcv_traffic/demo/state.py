"""What the demo remembers, in memory, and the credentials it is born with.

The credentials are demo values, published on purpose: never use them anywhere else.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Request

from perfectcv_traffic.demo.models import (
    CacheEntry,
    Invoice,
    Job,
    MarketTrend,
    Optimization,
    Resume,
    User,
)

DEMO_USER_EMAIL = "ada@perfectcv.example"
DEMO_USER_PASSWORD = "demo-user-password"
DEMO_ADMIN_EMAIL = "admin@perfectcv.example"
DEMO_ADMIN_PASSWORD = "demo-admin-password"
DEMO_API_KEY = "demo-api-key-0123456789"
DEMO_JWT_SECRET = "demo-jwt-secret-that-protects-nothing-0123456789"
DEMO_WEBHOOK_SECRET = "demo-webhook-secret-0123456789"

Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows by id in the order they were added; an id is never used twice."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._ids = itertools.count(1)

    def add(self, build: Callable[[int], Row]) -> Row:
        """Store and return what `build` makes of the next id."""
        row_id = next(self._ids)
        self._rows[row_id] = build(row_id)
        return self._rows[row_id]

    def find(self, row_id: int) -> Row | None:
        """The row, or None."""
        return self._rows.get(row_id)

    def replace(self, row_id: int, row: Row) -> Row:
        """Store `row` in the place of the one with this id."""
        self._rows[row_id] = row
        return row

    def remove(self, row_id: int) -> None:
        """Forget the row."""
        del self._rows[row_id]

    def all(self) -> list[Row]:
        """Every row."""
        return list(self._rows.values())


@dataclass(slots=True, kw_only=True)
class DemoState:
    """The state of one application; requests run on one event loop, so nothing is locked."""

    flawed: bool
    """Whether the flaws of `flaws.FLAWS` are in."""
    users: Table[User] = field(default_factory=Table)
    password_hashes: dict[int, bytes] = field(default_factory=dict, repr=False)
    device_users: dict[str, int] = field(default_factory=dict, repr=False)
    revoked_tokens: set[str] = field(default_factory=set, repr=False)
    resumes: Table[Resume] = field(default_factory=Table)
    jobs: Table[Job] = field(default_factory=Table)
    optimizations: Table[Optimization] = field(default_factory=Table)
    invoices: Table[Invoice] = field(default_factory=Table)
    trends: list[MarketTrend] = field(default_factory=list)
    cache: list[CacheEntry] = field(default_factory=list)
    payment_events: set[str] = field(default_factory=set)
    windows: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def user_by_email(self, email: str) -> User | None:
        """The account with this address, in whatever case it is written."""
        wanted = email.casefold()
        return next((user for user in self.users.all() if user.email.casefold() == wanted), None)

    def count_request(self, client: tuple[str, str], window: int) -> int:
        """How many requests the client has made in `window`, this one included."""
        last, count = self.windows.get(client, (window, 0))
        count = count + 1 if last == window else 1
        self.windows[client] = (window, count)
        return count


def state_of(request: Request) -> DemoState:
    """The state of the application that the request came to."""
    state: DemoState = request.app.state.demo
    return state


State = Annotated[DemoState, Depends(state_of)]
