"""Who is asking: bearer tokens (JWT), the API key, and password hashes.

The schemes do not refuse by themselves, so that every refusal of the demo is the same 401.
"""

import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import jwt
from fastapi import Depends, HTTPException, Security
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes

from perfectcv_traffic.demo.models import Role, User
from perfectcv_traffic.demo.state import DEMO_API_KEY, DEMO_JWT_SECRET, DemoState, State

TOKEN_URL = "/api/v1/auth/login"
TOKEN_SECONDS = 3600
JWT_ALGORITHM = "HS256"
ADMIN_SCOPE = "admin"
PASSWORD_HASH_ROUNDS = 5_000
"""Far below what a real service needs: the passwords are published anyway."""

bearer = OAuth2PasswordBearer(
    tokenUrl=TOKEN_URL, scopes={ADMIN_SCOPE: "Read every account."}, auto_error=False
)
api_key_header = APIKeyHeader(name="X-API-Key", auto_error=False)

BearerToken = Annotated[str | None, Depends(bearer)]


class Session(NamedTuple):
    """A checked token: whose it is, and the id it can be revoked by."""

    user: User
    token_id: str


def issue_token(
    user_id: int, *, seconds: float = TOKEN_SECONDS, secret: str = DEMO_JWT_SECRET
) -> str:
    """A signed token; negative `seconds` make an expired one, another `secret` a forged one."""
    now = datetime.now(UTC)
    claims = {
        "sub": str(user_id),
        "iat": now,
        "exp": now + timedelta(seconds=seconds),
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(claims, secret, algorithm=JWT_ALGORITHM)


def open_session(token: str | None, state: DemoState) -> Session:
    """The session that a bearer token stands for; raises 401 for any other text, and for none."""
    if not token:
        raise unauthorized("Not authenticated")
    try:
        claims = jwt.decode(
            token,
            DEMO_JWT_SECRET,
            algorithms=[JWT_ALGORITHM],
            options={"require": ["exp", "sub", "jti"]},
        )
        user = state.users.find(int(claims["sub"]))
    except jwt.ExpiredSignatureError as error:
        raise unauthorized("Token has expired") from error
    except (jwt.PyJWTError, ValueError) as error:
        raise unauthorized("Invalid token") from error
    if user is None or claims["jti"] in state.revoked_tokens:
        raise unauthorized("Token is no longer valid")
    return Session(user, claims["jti"])


def current_session(needed: SecurityScopes, token: BearerToken, state: State) -> Session:
    """The caller's session; raises 401 without one, 403 when a needed scope is not the caller's."""
    session = open_session(token, state)
    granted = {ADMIN_SCOPE} if session.user.role is Role.ADMIN else set()
    if not granted.issuperset(needed.scopes):
        raise HTTPException(403, "Not enough permissions")
    return session


CurrentSession = Annotated[Session, Depends(current_session)]


def current_user(session: CurrentSession) -> User:
    """The caller."""
    return session.user


CurrentUser = Annotated[User, Security(current_user)]
signed_in = Security(current_user)
admin_only = Security(current_user, scopes=[ADMIN_SCOPE])


def check_api_key(key: Annotated[str | None, Depends(api_key_header)]) -> None:
    """Raise 401 unless the request carries the demo's API key."""
    # Bytes: compare_digest refuses text that is not ASCII.
    if not hmac.compare_digest((key or "").encode(), DEMO_API_KEY.encode()):
        raise unauthorized("Missing or invalid API key", challenge="APIKey")


def unauthorized(detail: str, *, challenge: str = "Bearer") -> HTTPException:
    """A 401 that says how to authenticate."""
    return HTTPException(401, detail, headers={"WWW-Authenticate": challenge})


def hash_password(email: str, password: str) -> bytes:
    """A salted hash; the salt is the address, so that a seeded account hashes the same."""
    salt = email.casefold().encode()
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, PASSWORD_HASH_ROUNDS)


def password_matches(user: User, password: str, state: DemoState) -> bool:
    """Whether this is the account's password; an account without one matches nothing."""
    known = state.password_hashes.get(user.id, b"")
    return hmac.compare_digest(known, hash_password(user.email, password))
