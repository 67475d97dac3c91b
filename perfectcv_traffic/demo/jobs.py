"""Job descriptions: everyone reads them, their owners delete them."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from perfectcv_traffic.demo.answers import (
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    Page,
    PathId,
    found,
)
from perfectcv_traffic.demo.models import Job, JobDraft, Role
from perfectcv_traffic.demo.security import CurrentUser, signed_in
from perfectcv_traffic.demo.state import State

router = APIRouter(prefix="/job-descriptions", tags=["job descriptions"], responses=UNAUTHORIZED)


@router.get("/", dependencies=[signed_in])
async def list_jobs(
    state: State,
    page: Page,
    company: Annotated[str | None, Query(max_length=200, examples=["Machines"])] = None,
) -> list[Job]:
    """Job descriptions, newest last; `company` is any part of the company's name."""
    wanted = (company or "").casefold()
    return page.of([job for job in state.jobs.all() if wanted in job.company.casefold()])


@router.post("/", status_code=201)
async def create_job(draft: JobDraft, caller: CurrentUser, state: State) -> Job:
    """Store a job description."""
    return state.jobs.add(
        lambda row_id: Job(
            id=row_id, owner_id=caller.id, created_at=datetime.now(UTC), **draft.model_dump()
        )
    )


@router.get("/{job_id}", dependencies=[signed_in], responses=NOT_FOUND)
async def read_job(job_id: PathId, state: State) -> Job:
    """One job description."""
    return found(state.jobs.find(job_id), "Job description")


@router.delete("/{job_id}", status_code=204, responses=FORBIDDEN | NOT_FOUND)
async def delete_job(job_id: PathId, caller: CurrentUser, state: State) -> None:
    """Delete a job description: its owner or an administrator may."""
    job = found(state.jobs.find(job_id), "Job description")
    if caller.role is not Role.ADMIN and job.owner_id != caller.id:
        raise HTTPException(403, "Not your job description")
    state.jobs.remove(job_id)
