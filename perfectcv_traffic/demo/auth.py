"""Accounts and tokens: log in by password form or by device UUID, register, log out."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, Field

from perfectcv_traffic.demo.answers import UNAUTHORIZED, Problem
from perfectcv_traffic.demo.limits import RateLimit, x_ratelimit
from perfectcv_traffic.demo.models import Email, Line, Role, User
from perfectcv_traffic.demo.security import (
    TOKEN_SECONDS,
    CurrentSession,
    CurrentUser,
    hash_password,
    issue_token,
    password_matches,
    unauthorized,
)
from perfectcv_traffic.demo.state import (
    DEMO_USER_EMAIL,
    DEMO_USER_PASSWORD,
    DemoState,
    State,
)

NEW_ACCOUNT_CREDITS = 3
FORMAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LOGIN_EXAMPLE = {
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {
                "example": {
                    "grant_type": "password",
                    "username": DEMO_USER_EMAIL,
                    "password": DEMO_USER_PASSWORD,
                }
            }
        }
    }
}

router = APIRouter(prefix="/auth", tags=["auth"])
devices = APIRouter(prefix="/auth", tags=["auth"])


class Token(BaseModel):
    """A bearer token and how long it lasts."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(default=TOKEN_SECONDS, description="seconds")


class Registration(BaseModel):
    """A new account."""

    email: Email
    password: str = Field(min_length=8, max_length=200, examples=["correct horse battery"])
    full_name: Line = Field(examples=["Grace Hopper"])
    headline: Line | None = Field(default=None, examples=["Compiler writer"])


class DeviceLogin(BaseModel):
    """A device, by the UUID it was installed with."""

    uuid: str = Field(max_length=200, examples=["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"])


@router.post(
    "/login",
    responses=UNAUTHORIZED,
    openapi_extra=LOGIN_EXAMPLE,
    dependencies=[Depends(RateLimit("login", 30, x_ratelimit))],
)
async def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()], state: State) -> Token:
    """Exchange an address and a password for a token."""
    user = state.user_by_email(form.username)
    if user is None or not password_matches(user, form.password, state):
        raise unauthorized("Incorrect email or password")
    return Token(access_token=issue_token(user.id))


@router.post("/register", status_code=201, responses={409: {"model": Problem}})
async def register(registration: Registration, state: State) -> User:
    """Open an account."""
    if state.user_by_email(registration.email):
        raise HTTPException(409, "This email is registered already")
    user = _add_user(
        state,
        email=registration.email,
        full_name=registration.full_name,
        role=Role.USER,
        headline=registration.headline,
    )
    state.password_hashes[user.id] = hash_password(user.email, registration.password)
    return user


@router.get("/me", responses=UNAUTHORIZED)
async def read_me(user: CurrentUser) -> User:
    """The caller's own account."""
    return user


@router.post("/logout", status_code=204, responses=UNAUTHORIZED)
async def log_out(session: CurrentSession, state: State) -> None:
    """Revoke the token that this request carries."""
    state.revoked_tokens.add(session.token_id)


@devices.post("/uuid", responses=UNAUTHORIZED)
async def log_in_device(device: DeviceLogin, state: State) -> Token:
    """Exchange a device's UUID for a token; the first login opens the device's account."""
    device_id = device.uuid.lower()
    if not FORMAL_UUID.fullmatch(device_id):
        raise unauthorized("Not a UUID")
    if device_id not in state.device_users:
        state.device_users[device_id] = _add_device(state).id
    return Token(access_token=issue_token(state.device_users[device_id]))


def _add_device(state: DemoState) -> User:
    number = len(state.device_users) + 1
    return _add_user(
        state,
        email=f"device-{number}@devices.perfectcv.example",
        full_name=f"Device {number}",
        role=Role.DEVICE,
        headline=None,
    )


def _add_user(
    state: DemoState, *, email: str, full_name: str, role: Role, headline: str | None
) -> User:
    return state.users.add(
        lambda row_id: User(
            id=row_id,
            email=email,
            full_name=full_name,
            role=role,
            headline=headline,
            phone=None,
            credits=NEW_ACCOUNT_CREDITS,
            created_at=datetime.now(UTC),
        )
    )
