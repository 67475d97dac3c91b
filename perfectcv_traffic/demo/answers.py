"""What the routers share: the error answer, paging, and "found or 404"."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException, Path, Query
from pydantic import BaseModel

Row = TypeVar("Row")
Responses = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


UNAUTHORIZED: Responses = {401: {"model": Problem, "description": "No valid credential"}}
FORBIDDEN: Responses = {403: {"model": Problem, "description": "The credential is not enough"}}
NOT_FOUND: Responses = {404: {"model": Problem, "description": "No such thing, or not yours"}}

PathId = Annotated[int, Path(ge=1, examples=[1])]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list is wanted."""

    limit: Annotated[int, Query(ge=1, le=100, examples=[20])] = 20
    offset: Annotated[int, Query(ge=0, le=1_000_000, examples=[0])] = 0

    def of(self, rows: list[Row]) -> list[Row]:
        """That part of `rows`."""
        return rows[self.offset : self.offset + self.limit]


Page = Annotated[PageQuery, Depends()]


def found(row: Row | None, what: str) -> Row:
    """The row; raises 404 when there is none."""
    if row is None:
        raise HTTPException(404, f"{what} not found")
    return row
