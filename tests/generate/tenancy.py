"""An API as a product has it: UUIDs, nested collections, pages of items, roles without scopes,
bodies of several shapes, all behind one HTTP bearer scheme with JWTs."""

from __future__ import annotations

import time
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import jwt
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, model_validator

SECRET = "signing-secret-of-the-tenancy-0123456789"
NAMES = UUID(int=7)
PREFIX = "/api/v1"
ORG, PROJECT, TASK = "/orgs/{org_id}", "/orgs/{org_id}/projects/{project_id}", "/tasks/{task_id}"

DEFECTS = {
    "no check on a page": ("PT101", "GET", "/orgs"),
    "no check on a nested write": ("PT101", "POST", "/orgs/{org_id}/projects"),
    "only the signature's format is read": ("PT104", "GET", PROJECT),
    "expiry is not read": ("PT103", "PATCH", PROJECT),
    "whatever cannot be decoded is a guest": ("PT102", "GET", "/orgs/{org_id}/members"),
    "header is split, not read": ("PT106", "GET", "/me"),
    "header is split, whatever the scheme": ("PT105", "GET", "/me"),
    "looked up before the check": ("PT106", "GET", TASK),
    "role is not checked": ("PT107", "GET", "/manage/usage"),
    "role is not checked on a deletion": ("PT107", "DELETE", "/manage/bans/{ban_id}"),
    "header comes back": ("PT108", "GET", "/diagnostics"),
    "optional field is taken for granted": ("PT201", "PATCH", TASK),
    "inner optional field is taken for granted": ("PT201", "POST", "/tasks"),
    "filter is taken for granted": ("PT201", "GET", "/tasks"),
    "body is read by hand": ("PT202", "PUT", "/orgs/{org_id}/settings"),
    "answer is not checked": ("PT203", "GET", "/orgs/{org_id}/projects"),
}

bearer = HTTPBearer(auto_error=False)


class Kind(StrEnum):
    BUG = "bug"
    CHORE = "chore"


class Email(BaseModel):
    channel: Literal["email"]
    address: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")


class Hook(BaseModel):
    channel: Literal["hook"]
    url: str
    secret: str | None = None


class Window(BaseModel):
    starts: date | None = None
    ends: date | None = None

    @model_validator(mode="after")
    def in_order(self) -> Window:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class NewTask(BaseModel):
    title: str = Field(min_length=3, max_length=40)
    kind: Kind = Kind.BUG
    project_id: UUID
    notify: Annotated[Email | Hook, Field(discriminator="channel")]
    labels: dict[str, str] = {}
    window: Window | None = None


class TaskChange(BaseModel):
    title: str | None = None
    done: bool | None = None


class Project(BaseModel):
    id: UUID
    name: str
    owner: str | None


class Settings(BaseModel):
    locale: str
    retention_days: int = Field(ge=1, le=365)


def token(*, role: str = "owner", exp: int | None = None) -> str:
    """A signed token."""
    claims = {"sub": "u-1", "role": role, "exp": int(time.time()) + 3600 if exp is None else exp}
    return jwt.encode(claims, SECRET, algorithm="HS256")


class Guard:
    """Checks a token, or fails to in one way."""

    def __init__(self, flaw: str = "", *, role: str | None = None) -> None:
        self.flaw = flaw
        self.role = role

    def __call__(
        self,
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> dict[str, Any]:
        if self.flaw == "split":
            return self.decoded(request.headers.get("authorization", "").split(" ")[1])
        if given is None:
            if self.flaw == "open":
                return {}
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        claims = self.decoded(given.credentials)
        if self.role and claims.get("role") != self.role:
            raise HTTPException(403)
        return claims

    def decoded(self, text: str) -> dict[str, Any]:
        options = jwt.types.Options(
            verify_exp=self.flaw != "expiry", verify_signature=self.flaw != "signature"
        )
        try:
            return jwt.decode(text, SECRET, algorithms=["HS256"], options=options)
        except jwt.PyJWTError as error:
            if self.flaw == "guest" and isinstance(error, jwt.DecodeError):
                return {}
            raise HTTPException(401) from error


class Data:
    """What the API keeps."""

    def __init__(self) -> None:
        self.orgs = {str(uuid5(NAMES, name)): {"name": name} for name in ("north", "south")}
        self.projects = {
            str(uuid5(NAMES, f"p{number}")): {
                "name": f"p{number}", "org": org, "owner": None if number else "u-1"
            }
            for number, org in enumerate(self.orgs)
        }  # fmt: skip
        self.tasks: dict[str, dict[str, Any]] = {}
        self.bans = {"1": {"id": 1, "who": "u-9"}}


def build(wrong: frozenset[str] = frozenset(DEFECTS)) -> FastAPI:
    """The API with these defects."""
    app, data = FastAPI(), Data()
    router = APIRouter(prefix=PREFIX)
    _add_orgs(router, data, wrong)
    _add_projects(router, data, wrong)
    _add_tasks(router, data, wrong)
    _add_task(router, data, wrong)
    _add_others(router, wrong)
    manage = APIRouter(prefix="/manage", tags=["admin"])
    _add_managing(manage, data, wrong)
    router.include_router(manage)
    app.include_router(router)
    return app


def _guard(wrong: frozenset[str], defect: str, flaw: str, role: str | None = None) -> Any:
    return Depends(Guard(flaw if defect in wrong else "", role=role))


def _page(rows: list[dict[str, Any]], page: int, size: int) -> dict[str, Any]:
    part = rows[(page - 1) * size : page * size]
    return {"meta": {"page": page, "total": len(rows)}, "items": part}


Page = Annotated[int, Query(ge=1)]
Size = Annotated[int, Query(ge=1, le=100)]


def _org(data: Data, org_id: UUID) -> str:
    if str(org_id) not in data.orgs:
        raise HTTPException(404, "no such organisation")
    return str(org_id)


def _add_orgs(router: APIRouter, data: Data, wrong: frozenset[str]) -> None:
    @router.get("/orgs", dependencies=[_guard(wrong, "no check on a page", "open")])
    def list_orgs(page: Page = 1, size: Size = 20) -> dict[str, Any]:
        return _page([{"id": key, **one} for key, one in data.orgs.items()], page, size)

    guest = "whatever cannot be decoded is a guest"

    @router.get("/orgs/{org_id}/members", dependencies=[_guard(wrong, guest, "guest")])
    def list_members(org_id: UUID) -> list[dict[str, str]]:
        _org(data, org_id)
        return [{"user_id": "u-1"}]

    async def settings_by_hand(org_id: UUID, request: Request) -> dict[str, Any]:
        _org(data, org_id)
        given = await request.json()
        if not isinstance(given, dict) or "locale" not in given:
            raise HTTPException(422)
        return {"locale": given["locale"] or "en", "retention_days": 30}

    def settings(org_id: UUID, given: Settings) -> Settings:
        _org(data, org_id)
        return given

    is_by_hand = "body is read by hand" in wrong
    content = {"application/json": {"schema": Settings.model_json_schema()}}
    router.put(
        "/orgs/{org_id}/settings",
        dependencies=[Depends(Guard())],
        openapi_extra={"requestBody": {"content": content, "required": True}}
        if is_by_hand
        else None,
    )(settings_by_hand if is_by_hand else settings)


def _projects(data: Data, org_id: UUID) -> list[dict[str, Any]]:
    org = _org(data, org_id)
    found = [(key, one) for key, one in data.projects.items() if one["org"] == org]
    return [{"id": key, "name": one["name"], "owner": one["owner"]} for key, one in found]


def _add_projects(router: APIRouter, data: Data, wrong: frozenset[str]) -> None:
    @router.get(
        "/orgs/{org_id}/projects", dependencies=[Depends(Guard())], response_model=list[Project]
    )
    def list_projects(org_id: UUID) -> Any:
        found = _projects(data, org_id)
        if "answer is not checked" in wrong:
            return JSONResponse([{**one, "name": None} for one in found])
        return found

    opened = _guard(wrong, "no check on a nested write", "open")

    @router.post("/orgs/{org_id}/projects", status_code=201, dependencies=[opened])
    def add_project(org_id: UUID, name: Annotated[str, Query(min_length=1)] = "new") -> Any:
        key = str(uuid5(NAMES, f"{org_id}{name}{len(data.projects)}"))
        data.projects[key] = {"name": name, "org": _org(data, org_id), "owner": "u-1"}
        return {"data": {"id": key, "name": name, "owner": "u-1"}}

    def one_of(org_id: UUID, project_id: UUID) -> dict[str, Any]:
        found = [one for one in _projects(data, org_id) if one["id"] == str(project_id)]
        if not found:
            raise HTTPException(404)
        return found[0]

    signature = _guard(wrong, "only the signature's format is read", "signature")

    @router.get(PROJECT, dependencies=[signature], response_model=Project)
    def read_project(org_id: UUID, project_id: UUID) -> Any:
        return one_of(org_id, project_id)

    expiry = _guard(wrong, "expiry is not read", "expiry")

    @router.patch(PROJECT, dependencies=[expiry], response_model=Project)
    def rename(org_id: UUID, project_id: UUID, given: TaskChange) -> Any:
        return one_of(org_id, project_id)


def _add_tasks(router: APIRouter, data: Data, wrong: frozenset[str]) -> None:
    secured = [Depends(Guard())]

    @router.get("/tasks", dependencies=secured)
    def list_tasks(
        page: Page = 1, kind: Kind | None = None, sort: str = "title", since: date | None = None
    ) -> dict[str, Any]:
        if "filter is taken for granted" in wrong and sort not in ("title", "kind"):
            raise KeyError(sort)
        return _page(list(data.tasks.values()), page, 10)

    @router.post("/tasks", status_code=201, dependencies=secured)
    def add_task(task: NewTask, trace: Annotated[str | None, Header()] = None) -> dict[str, str]:
        if str(task.project_id) not in data.projects:
            raise HTTPException(404, "no such project")
        if "inner optional field is taken for granted" in wrong and task.window is not None:
            task.window.ends.isoformat()  # type: ignore[union-attr]  # the defect
        key = str(uuid5(NAMES, f"t{len(data.tasks)}"))
        data.tasks[key] = {"id": key, "title": task.title}
        return {"id": key}


def _add_task(router: APIRouter, data: Data, wrong: frozenset[str]) -> None:
    secured = [Depends(Guard())]

    def known(task_id: UUID) -> dict[str, Any]:
        if str(task_id) not in data.tasks:
            raise HTTPException(404)
        return data.tasks[str(task_id)]

    first, second = Depends(Guard()), Depends(known)
    is_late = "looked up before the check" in wrong

    @router.get(TASK, dependencies=[second, first] if is_late else [first, second])
    def read_task(task_id: UUID) -> dict[str, Any]:
        return known(task_id)

    @router.patch(TASK, dependencies=secured)
    def change_task(task_id: UUID, change: TaskChange) -> dict[str, Any]:
        task = known(task_id)
        if "optional field is taken for granted" in wrong and "title" in change.model_fields_set:
            task["title"] = change.title.strip()  # type: ignore[union-attr]  # the defect
        return task

    @router.delete(TASK, status_code=204, dependencies=secured)
    def remove_task(task_id: UUID) -> None:
        known(task_id)
        del data.tasks[str(task_id)]


def _add_others(router: APIRouter, wrong: frozenset[str]) -> None:
    @router.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/me", dependencies=[_guard(wrong, "header is split, not read", "split")])
    def me() -> dict[str, Any]:
        return {"id": "u-1"}

    @router.get("/feed", openapi_extra={"security": [{"HTTPBearer": []}, {}]})
    def feed() -> list[str]:
        return []

    @router.get("/diagnostics", dependencies=[Depends(Guard())])
    def diagnostics(request: Request) -> dict[str, Any]:
        return {"seen": dict(request.headers)} if "header comes back" in wrong else {}


def _add_managing(router: APIRouter, data: Data, wrong: frozenset[str]) -> None:
    def owner(defect: str) -> Any:
        return Depends(Guard(role=None if defect in wrong else "owner"))

    @router.get("/usage", dependencies=[owner("role is not checked")])
    def usage() -> dict[str, int]:
        return {"calls": 3}

    @router.get("/bans", dependencies=[owner("")])
    def list_bans() -> list[dict[str, Any]]:
        return list(data.bans.values())

    @router.post("/bans", status_code=201, dependencies=[owner("")])
    def ban(who: str) -> dict[str, Any]:
        key = str(len(data.bans) + 10)
        return data.bans.setdefault(key, {"id": int(key), "who": who})

    @router.delete("/bans/{ban_id}", dependencies=[owner("role is not checked on a deletion")])
    def lift(ban_id: int) -> None:
        if data.bans.pop(str(ban_id), None) is None:
            raise HTTPException(404)
