"""The demo API as an application factory.

uvicorn perfectcv_traffic.demo.app:create_app --factory
"""

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from perfectcv_traffic.demo import (
    auth,
    cache,
    career,
    health,
    jobs,
    optimizations,
    payments,
    resumes,
    users,
)
from perfectcv_traffic.demo.latency import Latency
from perfectcv_traffic.demo.seed import seeded_state

API_PREFIX = "/api/v1"

VERSIONED = (
    auth.router,
    users.router,
    resumes.router,
    jobs.router,
    optimizations.router,
    career.router,
    payments.router,
)
UNVERSIONED = (auth.devices, cache.router, health.router)


def create_app(*, seed: int = 0, latency: float = 1.0, flaws: bool = True) -> FastAPI:
    """A demo API with its own fresh state; the same `seed` gives the same data and delays.

    `latency` multiplies the simulated delays (0 switches them off); `flaws=False` gives the
    correct twin: the same operations and the same OpenAPI document without `flaws.FLAWS`.
    """
    app = FastAPI(
        title="PerfectCV demo API",
        summary="Resumes, job descriptions and career tools, in memory and with deliberate flaws.",
        version="1.0.0",
        dependencies=[Depends(Latency(seed, latency))],
        exception_handlers={RequestValidationError: refuse_invalid_request},
    )
    app.state.demo = seeded_state(seed=seed, flawed=flaws)
    app.include_router(_versioned(), prefix=API_PREFIX)
    for router in UNVERSIONED:
        app.include_router(router)
    return app


async def refuse_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    """Answer 422 without the `input` that FastAPI adds.

    The input would echo passwords, and an input of NaN or a lone surrogate cannot be encoded as
    JSON, which turns the refusal into a 500.
    """
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in problems]
    return JSONResponse({"detail": detail}, status_code=422)


def _versioned() -> APIRouter:
    router = APIRouter()
    for domain in VERSIONED:
        router.include_router(domain)
    return router
