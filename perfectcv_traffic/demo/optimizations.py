"""Fitting a resume to a job description: the demo's slow operation."""

from datetime import UTC, datetime
from typing import NamedTuple

from fastapi import APIRouter

from perfectcv_traffic.demo.answers import NOT_FOUND, UNAUTHORIZED, Page, PathId, found
from perfectcv_traffic.demo.models import Job, Optimization, OptimizationRequest, Resume
from perfectcv_traffic.demo.resumes import own_resume
from perfectcv_traffic.demo.security import CurrentUser
from perfectcv_traffic.demo.state import State

router = APIRouter(prefix="/optimizations", tags=["optimizations"], responses=UNAUTHORIZED)


class Fit(NamedTuple):
    """Which of a job's skills a resume has, and their share in percent."""

    matched: list[str]
    missing: list[str]
    score: int


def fit_of(resume: Resume, job: Job) -> Fit:
    """Compare a resume's skills with a job's; a job that asks for nothing fits everyone."""
    has = {skill.casefold() for skill in resume.skills}
    matched = [skill for skill in job.required_skills if skill.casefold() in has]
    missing = [skill for skill in job.required_skills if skill.casefold() not in has]
    asked = len(job.required_skills)
    return Fit(matched, missing, round(100 * len(matched) / asked) if asked else 100)


@router.post("/", status_code=201, responses=NOT_FOUND)
async def create_optimization(
    request: OptimizationRequest, caller: CurrentUser, state: State
) -> Optimization:
    """Score a resume against a job description."""
    resume = own_resume(state, caller, request.resume_id)
    fit = fit_of(resume, found(state.jobs.find(request.job_id), "Job description"))
    now = datetime.now(UTC)
    return state.optimizations.add(
        lambda row_id: Optimization(
            id=row_id,
            owner_id=caller.id,
            status="completed",
            score=fit.score,
            matched_skills=fit.matched,
            missing_skills=fit.missing,
            created_at=now,
            completed_at=now,
            **request.model_dump(),
        )
    )


@router.get("/")
async def list_optimizations(caller: CurrentUser, state: State, page: Page) -> list[Optimization]:
    """The caller's optimizations; queued ones have no score yet."""
    return page.of([row for row in state.optimizations.all() if row.owner_id == caller.id])


@router.get("/{optimization_id}", responses=NOT_FOUND)
async def read_optimization(
    optimization_id: PathId, caller: CurrentUser, state: State
) -> Optimization:
    """One optimization of the caller."""
    row = state.optimizations.find(optimization_id)
    return found(row if row and row.owner_id == caller.id else None, "Optimization")
