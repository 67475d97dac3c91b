"""The statistics cache, protected by an API key."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from perfectcv_traffic.demo.answers import UNAUTHORIZED
from perfectcv_traffic.demo.limits import RateLimit, x_ratelimit
from perfectcv_traffic.demo.models import CacheEntry
from perfectcv_traffic.demo.security import check_api_key
from perfectcv_traffic.demo.state import DemoState, State

NULL_TEXTS = frozenset({"", "null", "none", "undefined"})
"""What clients write into a query when they have no value."""

Filter = Annotated[str, Field(max_length=100)]

router = APIRouter(
    prefix="/cache",
    tags=["cache"],
    responses=UNAUTHORIZED,
    dependencies=[Depends(RateLimit("cache", 100, x_ratelimit)), Depends(check_api_key)],
)


class CacheQuery(BaseModel):
    """What to look up; null or left out means any."""

    team: Filter | None = Field(default=None, examples=["Leeds"])
    player: Filter | None = Field(default=None, examples=["M. Bright"])
    season: Filter | None = Field(default=None, examples=["2024-25"])


class CacheBatch(BaseModel):
    """Several look-ups at once."""

    queries: list[CacheQuery] = Field(max_length=50)


class CacheAnswer(BaseModel):
    """The question and what the cache holds for it."""

    query: CacheQuery
    entries: list[CacheEntry]


@router.get("")
async def read_cache(
    state: State,
    team: Annotated[Filter | None, Query(examples=["Leeds"])] = None,
    player: Annotated[Filter | None, Query(examples=["M. Bright"])] = None,
    season: Annotated[Filter | None, Query(examples=["2024-25"])] = None,
) -> CacheAnswer:
    """Look up seasons by team, player and season; the text `null` or an empty text means any."""
    if state.flawed and season is not None:
        # PT201: `season` is None again when its text says so.
        season = cast("str", _meant(season)).strip()
    query = CacheQuery(team=_meant(team), player=_meant(player), season=_meant(season))
    return _look_up(state, query)


@router.post("/batch")
async def read_cache_batch(
    state: State, batch: Annotated[list[CacheQuery], Field(max_length=50)] | CacheBatch
) -> list[CacheAnswer]:
    """Look up several questions: a list of them, or an object with `queries`."""
    queries = batch.queries if isinstance(batch, CacheBatch) else batch
    return [_look_up(state, query) for query in queries]


def _look_up(state: DemoState, query: CacheQuery) -> CacheAnswer:
    entries = [entry for entry in state.cache if _matches(entry, query)]
    return CacheAnswer(query=query, entries=entries)


def _matches(entry: CacheEntry, query: CacheQuery) -> bool:
    return (
        query.team in (None, entry.team)
        and query.player in (None, entry.player)
        and query.season in (None, entry.season)
    )


def _meant(text: str | None) -> str | None:
    return None if text is None or text.strip().casefold() in NULL_TEXTS else text
