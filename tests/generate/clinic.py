"""An API mounted below another: OAuth2 with scopes and a login, states that change, unique names,
dates that must lie ahead, parameters in headers and enumerations in paths."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, Form, Header, HTTPException, Query, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from pydantic import BaseModel, Field, ValidationError, field_validator

from perfectcv_traffic.generate.credentials import Credentials

SECRET = "signing-secret-of-the-clinic-0123456789"
USER, PASSWORD = "doctor", "password-of-the-doctor-0123"
BASE = "/clinic"
OPENAPI = "/clinic/openapi.json"

DEFECTS = {
    "patients are open": ("PT101", "GET", "/patients/{patient_id}"),
    "any token reads visits": ("PT102", "GET", "/visits"),
    "expired tokens cancel": ("PT103", "POST", "/visits/{visit_id}/cancel"),
    "unsigned tokens read": ("PT104", "GET", "/wards/{ward}"),
    "scheme is not read": ("PT105", "GET", "/staff"),
    "told before the check": ("PT106", "POST", "/patients"),
    "scope is not asked for": ("PT107", "DELETE", "/patients/{patient_id}"),
    "scope of a write is not asked for": ("PT107", "POST", "/staff"),
    "token in an error": ("PT108", "GET", "/wards/{ward}/beds"),
    "unit is taken for granted": ("PT201", "PUT", "/patients/{patient_id}"),
    "empty header": ("PT201", "GET", "/patients"),
    "doses may be null": ("PT202", "POST", "/visits"),
    "second visit has no reason": ("PT203", "GET", "/visits/{visit_id}"),
}

SOME_DOSE = {"name": "x", "amount": 1}
oauth2 = OAuth2PasswordBearer(
    tokenUrl="token", scopes={"admin": "manage", "read": "look"}, auto_error=False
)


class Ward(StrEnum):
    NORTH = "north"
    SOUTH = "south"


class Contact(BaseModel):
    phone: str = Field(pattern=r"^\+\d{8,14}$")
    unit: str | None = None


class Patient(BaseModel):
    name: str = Field(min_length=2)
    contact: Contact
    weights: list[float] = Field(default=[70.0], max_length=5)


class Dose(BaseModel):
    name: str
    amount: float = Field(gt=0)


class Visit(BaseModel):
    patient_id: int
    at: datetime
    doses: list[Dose] = Field(min_length=1)

    @field_validator("at")
    @classmethod
    def ahead(cls, at: datetime) -> datetime:
        if at.replace(tzinfo=UTC) < datetime.now(UTC):
            raise ValueError("lies in the past")
        return at


class Seen(BaseModel):
    id: int
    reason: str


def token(*, role: str = "admin", exp: int | None = None) -> str:
    """A signed token; only that of an admin has the scope."""
    scopes = ["read", "admin"] if role == "admin" else ["read"]
    claims = {"sub": role, "scopes": scopes}
    return jwt.encode(
        {**claims, "exp": int(time.time()) + 3600 if exp is None else exp}, SECRET, "HS256"
    )


def credentials() -> Credentials:
    """A user who logs in, and another one's token."""
    return Credentials(
        username=USER, password=PASSWORD, low_token=token(role="nurse"), jwt_secret=SECRET
    )


def build(wrong: frozenset[str] = frozenset(DEFECTS)) -> FastAPI:
    """The API with these defects, below an application that has only a start page."""
    outer, app = FastAPI(), FastAPI()
    patients: dict[int, Patient] = {}
    visits = {1: {"id": 1, "reason": "check"}, 2: {"id": 2, "reason": "cough"}}
    _add_login(app)
    _add_patients(app, patients, wrong)
    _add_patient(app, patients, wrong)
    _add_visits(app, visits, wrong)
    _add_new_visits(app, wrong)
    _add_others(app, wrong)
    outer.mount(BASE, app)
    return outer


def _add_login(app: FastAPI) -> None:
    @app.post("/token")
    def log_in(username: Annotated[str, Form()], password: Annotated[str, Form()]) -> Any:
        if (username, password) != (USER, PASSWORD):
            raise HTTPException(401)
        return {"access_token": token(), "token_type": "bearer"}


def _guard(flaw: str, *scopes: str) -> Any:
    def check(
        request: Request, needed: SecurityScopes, text: Annotated[str | None, Depends(oauth2)]
    ) -> None:
        header = request.headers.get("authorization", "")
        if flaw == "open" and not header:
            return
        if flaw == "early" and not header:
            raise HTTPException(422, "no header")
        if flaw == "scheme" and header:
            text = header.split()[-1]
        claims = _claims(text or "", flaw)
        if flaw != "scopes" and not set(needed.scopes) <= set(claims["scopes"]):
            raise HTTPException(403)

    return Security(check, scopes=list(scopes))


def _claims(text: str, flaw: str) -> dict[str, Any]:
    if flaw == "any" and text:
        return {"scopes": ["read"]}
    if flaw == "unsigned" and text.endswith("."):
        return {"scopes": ["read"]}
    try:
        options = jwt.types.Options(verify_exp=flaw != "expiry")
        return jwt.decode(text, SECRET, algorithms=["HS256"], options=options)
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error


def _flawed(wrong: frozenset[str], defect: str, flaw: str, *scopes: str) -> list[Any]:
    return [_guard(flaw if defect in wrong else "", *scopes)]


def _add_patients(app: FastAPI, patients: dict[int, Patient], wrong: frozenset[str]) -> None:
    @app.get("/patients", dependencies=[_guard("", "read")])
    def list_patients(
        limit: Annotated[int, Query(gt=0)] = 5, x_region: Annotated[str, Header()] = "eu"
    ) -> list[dict[str, Any]]:
        if "empty header" in wrong and x_region[0] == "z":
            return []
        return [{"patient_id": key, "name": one.name} for key, one in patients.items()][:limit]

    @app.post(
        "/patients", status_code=201, dependencies=_flawed(wrong, "told before the check", "early")
    )
    def add_patient(patient: Patient) -> dict[str, Any]:
        if any(one.name == patient.name for one in patients.values()):
            raise HTTPException(409, "known")
        key = max(patients, default=100) + 1
        patients[key] = patient
        return {"patient_id": key, "name": patient.name}


def _add_patient(app: FastAPI, patients: dict[int, Patient], wrong: frozenset[str]) -> None:
    def known(patient_id: int) -> Patient:
        if patient_id not in patients:
            raise HTTPException(404)
        return patients[patient_id]

    path = "/patients/{patient_id}"

    @app.get(path, dependencies=_flawed(wrong, "patients are open", "open"))
    def read_patient(patient_id: int) -> Patient:
        return known(patient_id)

    @app.put(path, dependencies=[_guard("", "read")])
    def change_patient(patient_id: int, patient: Patient) -> Patient:
        known(patient_id)
        if "unit is taken for granted" in wrong and "unit" in patient.contact.model_fields_set:
            patient.contact.unit.upper()  # type: ignore[union-attr]  # the defect
        return patient

    scope = _flawed(wrong, "scope is not asked for", "scopes", "admin")

    @app.delete(path, status_code=204, dependencies=scope)
    def remove_patient(patient_id: int) -> None:
        known(patient_id)
        del patients[patient_id]


def _add_visits(app: FastAPI, visits: dict[int, dict[str, Any]], wrong: frozenset[str]) -> None:
    def known(visit_id: int) -> dict[str, Any]:
        if visit_id not in visits:
            raise HTTPException(404)
        return visits[visit_id]

    @app.get("/visits", dependencies=_flawed(wrong, "any token reads visits", "any"))
    def list_visits() -> dict[str, Any]:
        return {"results": list(visits.values()), "count": len(visits)}

    @app.get("/visits/{visit_id}", dependencies=[_guard("")], response_model=Seen)
    def read_visit(visit_id: int) -> Any:
        visit = known(visit_id)
        is_wrong = "second visit has no reason" in wrong and visit_id == 2
        return JSONResponse({**visit, "reason": None}) if is_wrong else visit

    @app.post(
        "/visits/{visit_id}/cancel", dependencies=_flawed(wrong, "expired tokens cancel", "expiry")
    )
    def cancel(visit_id: int) -> dict[str, bool]:
        visit = known(visit_id)
        if visit.get("cancelled"):
            raise HTTPException(409, "cancelled already")
        visit["cancelled"] = True
        return {"cancelled": True}


def _add_new_visits(app: FastAPI, wrong: frozenset[str]) -> None:
    def add_visit(visit: Visit) -> dict[str, int]:
        return {"doses": len(visit.doses)}

    async def add_any_visit(request: Request) -> dict[str, int]:
        given = await request.json()
        if not isinstance(given, dict) or not {"patient_id", "at", "doses"} <= given.keys():
            raise HTTPException(422)
        try:
            return add_visit(Visit(**{**given, "doses": given["doses"] or [SOME_DOSE]}))
        except ValidationError as error:
            raise HTTPException(422) from error

    is_lax = "doses may be null" in wrong
    schema = {"$ref": "#/components/schemas/Visit"}
    extra = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    app.post("/visits", dependencies=[_guard("")], openapi_extra=extra if is_lax else None)(
        add_any_visit if is_lax else add_visit
    )
    app.post("/visits/plan", dependencies=[_guard("")])(add_visit)


def _add_others(app: FastAPI, wrong: frozenset[str]) -> None:
    @app.get("/wards/{ward}", dependencies=_flawed(wrong, "unsigned tokens read", "unsigned"))
    def read_ward(ward: Ward) -> dict[str, str]:
        return {"ward": ward}

    @app.get("/wards/{ward}/beds", dependencies=[_guard("")])
    def read_beds(ward: Ward, request: Request) -> dict[str, Any]:
        raw = request.headers["authorization"].split()[1]
        return {"beds": 3, "trace": f"checked {raw}" if "token in an error" in wrong else ""}

    @app.get("/staff", dependencies=_flawed(wrong, "scheme is not read", "scheme"))
    def list_staff() -> list[dict[str, Any]]:
        return [{"name": "doctor"}]

    @app.post(
        "/staff",
        dependencies=_flawed(wrong, "scope of a write is not asked for", "scopes", "admin"),
    )
    def hire(name: Annotated[str, Query(min_length=1)]) -> dict[str, str]:
        return {"name": name}
