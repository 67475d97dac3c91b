"""Resumes: create, read, replace, delete, and attach a file."""

import hashlib
from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, UploadFile
from pydantic import BaseModel

from perfectcv_traffic.demo.answers import NOT_FOUND, UNAUTHORIZED, Page, PathId, Problem, found
from perfectcv_traffic.demo.models import Resume, ResumeDraft, Role, User
from perfectcv_traffic.demo.security import CurrentUser
from perfectcv_traffic.demo.state import DemoState, State

MAX_UPLOAD_BYTES = 1_048_576

router = APIRouter(prefix="/resumes", tags=["resumes"], responses=UNAUTHORIZED)


class UploadReceipt(BaseModel):
    """What arrived."""

    resume_id: int
    file_name: str | None
    content_type: str | None
    size: int
    sha256: str


def own_resume(state: DemoState, caller: User, resume_id: int) -> Resume:
    """The caller's resume, or any for an administrator; raises 404 for everyone else's."""
    resume = state.resumes.find(resume_id)
    if resume and caller.role is not Role.ADMIN and resume.owner_id != caller.id:
        resume = None
    return found(resume, "Resume")


@router.get("/")
async def list_resumes(caller: CurrentUser, state: State, page: Page) -> list[Resume]:
    """The caller's resumes."""
    return page.of([row for row in state.resumes.all() if row.owner_id == caller.id])


@router.post("/", status_code=201)
async def create_resume(draft: ResumeDraft, caller: CurrentUser, state: State) -> Resume:
    """Store a resume."""
    return state.resumes.add(
        lambda row_id: Resume(
            id=row_id,
            owner_id=caller.id,
            file_name=None,
            created_at=datetime.now(UTC),
            updated_at=None,
            **draft.model_dump(),
        )
    )


@router.get("/{resume_id}", responses=NOT_FOUND)
async def read_resume(resume_id: PathId, caller: CurrentUser, state: State) -> Resume:
    """One resume."""
    return own_resume(state, caller, resume_id)


@router.put("/{resume_id}", responses=NOT_FOUND)
async def replace_resume(
    resume_id: PathId, draft: ResumeDraft, caller: CurrentUser, state: State
) -> Resume:
    """Replace what a resume says; its file stays."""
    resume = own_resume(state, caller, resume_id)
    kept = {"updated_at": datetime.now(UTC)} | draft.model_dump()
    return state.resumes.replace(resume_id, Resume(**(resume.model_dump() | kept)))


@router.delete("/{resume_id}", status_code=204, responses=NOT_FOUND)
async def delete_resume(resume_id: PathId, caller: CurrentUser, state: State) -> None:
    """Delete a resume."""
    own_resume(state, caller, resume_id)
    state.resumes.remove(resume_id)


@router.post("/{resume_id}/upload", responses=NOT_FOUND | {413: {"model": Problem}})
async def upload_resume_file(
    resume_id: PathId, file: UploadFile, caller: CurrentUser, state: State
) -> UploadReceipt:
    """Attach a file to a resume; only its name is kept."""
    resume = own_resume(state, caller, resume_id)
    content = await file.read(MAX_UPLOAD_BYTES + 1)
    if len(content) > MAX_UPLOAD_BYTES:
        raise HTTPException(413, f"Files may have at most {MAX_UPLOAD_BYTES} bytes")
    state.resumes.replace(resume_id, resume.model_copy(update={"file_name": file.filename}))
    return UploadReceipt(
        resume_id=resume_id,
        file_name=file.filename,
        content_type=file.content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
