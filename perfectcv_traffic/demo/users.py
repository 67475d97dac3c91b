"""Accounts as their owners and the administrators see them."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from perfectcv_traffic.demo.answers import (
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    Page,
    PathId,
    found,
)
from perfectcv_traffic.demo.models import Line, Role, User
from perfectcv_traffic.demo.security import CurrentUser, admin_only
from perfectcv_traffic.demo.state import DemoState, State

router = APIRouter(prefix="/users", tags=["users"], responses=UNAUTHORIZED | FORBIDDEN)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default")


class UserChanges(BaseModel):
    """What to change; a field left out stays as it is, null clears one that may be empty."""

    # Neither required nor nullable: the default only marks the field as left out.
    full_name: Line = Field(default="", examples=["Ada King"], json_schema_extra=_without_default)
    headline: Line | None = Field(default=None, examples=["Data engineer"])
    phone: Line | None = Field(default=None, examples=["+44 20 7946 0000"])


@router.get("/", dependencies=[admin_only])
async def list_users(
    state: State,
    page: Page,
    role: Annotated[Role | None, Query(examples=["user"])] = None,
    name: Annotated[str | None, Query(max_length=200, examples=["ada"])] = None,
) -> list[User]:
    """Every account, for administrators; `name` is any part of the full name."""
    wanted = (name or "").casefold()
    return page.of(
        [
            user
            for user in state.users.all()
            if role in (None, user.role) and wanted in user.full_name.casefold()
        ]
    )


@router.get("/{user_id}", responses=NOT_FOUND)
async def read_user(user_id: PathId, caller: CurrentUser, state: State) -> User:
    """One account: the caller's own, or any for an administrator."""
    return _visible_user(state, caller, user_id)


@router.patch("/{user_id}", responses=NOT_FOUND)
async def change_user(
    user_id: PathId, changes: UserChanges, caller: CurrentUser, state: State
) -> User:
    """Change the fields that were sent."""
    user = _visible_user(state, caller, user_id)
    changed = user.model_copy(update=changes.model_dump(exclude_unset=True))
    return state.users.replace(user_id, changed)


def _visible_user(state: DemoState, caller: User, user_id: int) -> User:
    # The role comes first, so that strangers cannot learn which ids exist.
    if caller.role is not Role.ADMIN and caller.id != user_id:
        raise HTTPException(403, "Not your account")
    return found(state.users.find(user_id), "User")
