"""The admin endpoints as a FastAPI application: parameters, bounds and their OpenAPI document."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException

from perfectcv_traffic.admin import answers, moments, page
from perfectcv_traffic.admin.database import UnavailableError
from perfectcv_traffic.admin.endpoints import Endpoints, Fresh
from perfectcv_traffic.admin.metrics import CONTENT_TYPE
from perfectcv_traffic.admin.requests import Filter
from perfectcv_traffic.record import TrafficLog

BEHIND_HEADER = "X-Traffic-Behind-Bytes"
MAX_TEXT = 512
MAX_OFFSET = 1_000_000_000

Limit = Annotated[int, Query(ge=1, le=1000, description="Entries to answer with.")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Entries to leave out first.")]
Text = Annotated[str | None, Query(max_length=MAX_TEXT)]
PartOfPath = Annotated[
    str | None, Query(max_length=MAX_TEXT, description="A part of the path, taken literally.")
]
IncludeAdmin = Annotated[
    bool, Query(description="Count the requests to the admin endpoints themselves too.")
]
Moment = Annotated[
    str | None,
    Query(max_length=64, description="ISO 8601 (UTC unless it has a zone) or epoch seconds."),
]

_HEADERS = {
    BEHIND_HEADER: {
        "description": "Bytes of the log that this answer does not know yet.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    }
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": answers.Problem} for status in statuses}


_REFUSALS = _problems(401, 403, 429)
_KNOWS = [
    Security(HTTPBearer(auto_error=False)),
    Security(APIKeyHeader(name="X-Admin-Token", auto_error=False)),
]


@dataclass(kw_only=True)
class Asked:
    """The filters of `/request-logs` as they are sent."""

    path: PartOfPath = None
    method: Annotated[str | None, Query(max_length=32)] = None
    client_ip: Text = None
    status_code: Annotated[int | None, Query(ge=100, le=599)] = None
    since: Moment = None
    until: Moment = None
    token: Annotated[
        str | None,
        Query(
            max_length=MAX_TEXT,
            description="present, absent, valid, invalid, unknown, or a masked token.",
        ),
    ] = None
    has_nulls: bool | None = None
    failed: Annotated[bool | None, Query(description="Answered 4xx or 5xx, or not at all.")] = None
    request_id: Text = None

    def filter(self) -> Filter:
        """The filter as the query takes it."""
        asked = {
            **asdict(self),
            "method": self.method.upper() if self.method else None,
            "since": _moment("since", self.since),
            "until": _moment("until", self.until),
        }
        return Filter(**asked)


def build(endpoints: Endpoints, model: type[TrafficLog], *, with_metrics: bool) -> FastAPI:
    """The application; who may use it is the gate's to judge, which stands before it."""
    app = FastAPI(
        title="perfectcv-traffic admin endpoints",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={**_REFUSALS, **_problems(422, 503)},
        exception_handlers={
            UnavailableError: _unavailable,
            RequestValidationError: _invalid,
            StarletteHTTPException: _problem,
        },
    )
    _add_requests(app, endpoints, model)
    _add_clients(app, endpoints)
    _add_live(app, endpoints)
    if with_metrics:
        _add_metrics(app, endpoints)
    _add_page(app)
    return app


def _add_requests(app: FastAPI, endpoints: Endpoints, model: type[TrafficLog]) -> None:
    @app.get("/request-logs", **_described(answers.request_logs_model(model)))
    async def request_logs(
        asked: Annotated[Asked, Depends()],
        limit: Limit = 100,
        offset: Offset = 0,
        include_admin: IncludeAdmin = False,
    ) -> Response:
        """Recorded requests, newest first."""
        return _answer(
            await endpoints.request_logs(asked.filter(), limit, offset, include_admin=include_admin)
        )

    @app.get("/request-stats", **_described(answers.RequestStats))
    async def request_stats(
        since: Moment = None, until: Moment = None, include_admin: IncludeAdmin = False
    ) -> Response:
        """Totals and durations; `since` and `until` are taken to the hour."""
        times = _moment("since", since), _moment("until", until)
        return _answer(await endpoints.request_stats(*times, include_admin=include_admin))

    @app.get("/null-logs", **_described(answers.NullLogs))
    async def null_logs(
        path: PartOfPath = None,
        null_type: Literal["request_parameter", "response_field"] | None = None,
        limit: Limit = 100,
        offset: Offset = 0,
        include_admin: IncludeAdmin = False,
    ) -> Response:
        """Null values in requests and responses, newest first."""
        found = await endpoints.null_logs(
            limit, offset, path=path, null_type=null_type, include_admin=include_admin
        )
        return _answer(found)


def _add_clients(app: FastAPI, endpoints: Endpoints) -> None:
    @app.get("/rate-limits", **_described(answers.RateLimits | answers.ClientRateLimits))
    async def rate_limits(
        client_identifier: Text = None,
        limit: Limit = 1000,
        offset: Offset = 0,
        include_admin: IncludeAdmin = False,
    ) -> Response:
        """Clients, the busiest first; with `client_identifier` the endpoints of that client."""
        found = await endpoints.rate_limits(
            client_identifier, limit, offset, include_admin=include_admin
        )
        return _answer(found)

    @app.get("/url-stats", **_described(answers.UrlStats))
    async def url_stats(limit: Limit = 100, include_admin: IncludeAdmin = False) -> Response:
        """Paths, the most requested first."""
        return _answer(await endpoints.url_stats(limit, include_admin=include_admin))

    @app.get("/uuid-logs", **_described(answers.UuidLogs))
    async def uuid_logs(uuid: Text = None, limit: Limit = 100, offset: Offset = 0) -> Response:
        """Login attempts by UUID, newest first."""
        return _answer(await endpoints.uuid_logs(limit, offset, uuid=uuid))


def _add_live(app: FastAPI, endpoints: Endpoints) -> None:
    @app.get("/live", **_described(answers.Live))
    async def live(seconds: Annotated[int, Query(ge=60, le=3600)] = 300) -> Response:
        """The last minutes, for the dashboard."""
        return _answer(await endpoints.live(seconds))


def _add_metrics(app: FastAPI, endpoints: Endpoints) -> None:
    # Not PlainTextResponse: the document would say that refusals are plain text too.
    text: dict[int | str, dict[str, Any]] = {
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
    }

    @app.get("/metrics", response_class=Response, responses=text, dependencies=_KNOWS)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(await endpoints.metrics(), media_type=CONTENT_TYPE)


def _add_page(app: FastAPI) -> None:
    @app.get("", include_in_schema=False)
    async def to_page(request: Request) -> Response:
        """The page, whose links are relative to the path with the slash."""
        name = request.scope["root_path"].rpartition("/")[2]
        return RedirectResponse(f"{name}/")

    @app.get("/", include_in_schema=False)
    async def dashboard() -> Response:
        """The dashboard."""
        headers = {"Content-Security-Policy": page.POLICY}
        return Response(page.HTML, media_type="text/html", headers=headers)


def _described(model: Any) -> dict[str, Any]:
    """What the document says of an endpoint that answers with this model."""
    success = {200: {"model": model, "headers": _HEADERS}}
    return {"response_model": None, "responses": success, "dependencies": _KNOWS}


def _moment(name: str, text: str | None) -> str | None:
    try:
        return moments.stored(text) if text else None
    except ValueError as error:
        problem = {"type": "value_error", "loc": ("query", name), "msg": str(error)}
        raise RequestValidationError([problem]) from error


def _answer(fresh: Fresh) -> Response:
    body, behind = fresh
    return Response(
        body,
        media_type="application/json",
        headers={BEHIND_HEADER: str(behind)},
    )


def _refused(status: int, detail: str | Sequence[Any], headers: Any = None) -> Response:
    return JSONResponse({"status": "error", "detail": detail}, status_code=status, headers=headers)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return _refused(503, str(error), {"Retry-After": "5"})


async def _invalid(_request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    return _refused(422, [{key: item[key] for key in ("type", "loc", "msg")} for item in problems])


async def _problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException | StarletteHTTPException):
        return _refused(500, "error")
    return _refused(error.status_code, error.detail, error.headers)
