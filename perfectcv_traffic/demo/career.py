"""Career tools: estimates and texts made from resumes, jobs and the labour market."""

import zlib
from collections import Counter
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from perfectcv_traffic.demo.answers import NOT_FOUND, UNAUTHORIZED, found
from perfectcv_traffic.demo.limits import RateLimit, ietf_ratelimit
from perfectcv_traffic.demo.models import Job, Line, MarketTrend, Resume, RowId
from perfectcv_traffic.demo.optimizations import fit_of
from perfectcv_traffic.demo.resumes import own_resume
from perfectcv_traffic.demo.security import BearerToken, CurrentUser, open_session, signed_in
from perfectcv_traffic.demo.state import DemoState, State

MIN_OPENINGS_FOR_MEDIAN = 20
DEFAULT_TONE = "confident"
QUESTIONS = (
    "What did you own in your last project?",
    "Which decision would you take back, and why?",
    "How do you notice that a service is failing?",
    "What would you ask us before you start?",
    "How do you explain a delay to a customer?",
)

router = APIRouter(
    prefix="/career-tools",
    tags=["career tools"],
    responses=UNAUTHORIZED,
    dependencies=[Depends(RateLimit("career", 120, ietf_ratelimit))],
)


class SalaryEstimate(BaseModel):
    """What a role earns in a year."""

    role: str
    years: int
    region: str | None
    currency: str
    low: int
    median: int
    high: int


class SkillsGap(BaseModel):
    """What a resume lacks for a job."""

    resume_id: int
    job_id: int
    score: int
    matched_skills: list[str]
    missing_skills: list[str]


class SkillDemand(BaseModel):
    """In how many job descriptions a skill is asked for."""

    skill: str
    jobs: int


class QuestionsRequest(BaseModel):
    """What to practise for."""

    job_id: RowId
    count: int = Field(default=3, ge=1, le=20, examples=[3])
    focus: Line | None = Field(default=None, examples=["teamwork"])


class Questions(BaseModel):
    """Questions to practise with."""

    job_id: int
    focus: str | None
    questions: list[str]


class LetterRequest(BaseModel):
    """What the letter is about and how it should sound; a null tone means the usual one."""

    resume_id: RowId
    job_id: RowId
    tone: Line | None = Field(default=DEFAULT_TONE, examples=["warm"])


class Letter(BaseModel):
    """A cover letter."""

    resume_id: int
    job_id: int
    tone: str
    text: str


@router.get("/salary-estimate", dependencies=[signed_in])
async def estimate_salary(
    role: Annotated[str, Query(max_length=200, examples=["Data engineer"])],
    years: Annotated[int, Query(ge=0, le=60, examples=[5])] = 0,
    region: Annotated[str | None, Query(max_length=200, examples=["Leeds"])] = None,
    currency: Annotated[Literal["EUR", "GBP", "USD"], Query(examples=["GBP"])] = "GBP",
) -> SalaryEstimate:
    """Estimate a salary from the role, the years in it and the region."""
    place = zlib.crc32(f"{role} {region or ''}".casefold().encode())
    median = 30_000 + place % 30_000 + 1_500 * years
    return SalaryEstimate(
        role=role,
        years=years,
        region=region,
        currency=currency,
        low=median * 8 // 10,
        median=median,
        high=median * 13 // 10,
    )


@router.get("/skills-gap", responses=NOT_FOUND)
async def compare_skills(
    resume_id: Annotated[int, Query(ge=1, examples=[1])],
    job_id: Annotated[int, Query(ge=1, examples=[1])],
    caller: CurrentUser,
    state: State,
) -> SkillsGap:
    """Say which of a job's skills a resume lacks."""
    fit = fit_of(own_resume(state, caller, resume_id), _job(state, job_id))
    return SkillsGap(
        resume_id=resume_id,
        job_id=job_id,
        score=fit.score,
        matched_skills=fit.matched,
        missing_skills=fit.missing,
    )


def require_token(token: BearerToken, state: State) -> None:
    """Raise 401 unless a valid token was sent."""
    if state.flawed and token:
        return  # PT102: a token is there, and nobody reads it.
    open_session(token, state)


@router.get("/skills", dependencies=[Depends(require_token)])
async def list_skills(state: State) -> list[SkillDemand]:
    """The skills that job descriptions ask for, most wanted first."""
    demand = Counter(skill for job in state.jobs.all() for skill in job.required_skills)
    ranked = sorted(demand.items(), key=lambda item: (-item[1], item[0]))
    return [SkillDemand(skill=skill, jobs=jobs) for skill, jobs in ranked]


@router.get("/market-trends", dependencies=[signed_in], response_model=list[MarketTrend])
async def list_market_trends(state: State) -> list[MarketTrend] | Response:
    """Salaries and openings by role and region."""
    if not state.flawed:
        return state.trends
    rows = [trend.model_dump() for trend in state.trends]
    for row in rows:
        if row["openings"] < MIN_OPENINGS_FOR_MEDIAN:
            row["median_salary"] = None
    return JSONResponse(rows)  # PT203: a Response is sent as it is, unchecked by the model.


@router.post("/interview-questions", dependencies=[signed_in], responses=NOT_FOUND)
async def ask_interview_questions(request: QuestionsRequest, state: State) -> Questions:
    """Questions that an interviewer for this job may ask."""
    job = _job(state, request.job_id)
    topics = [request.focus] if request.focus else job.required_skills or [job.title]
    questions = [
        f"{topics[number % len(topics)]}: {QUESTIONS[number % len(QUESTIONS)]}"
        for number in range(request.count)
    ]
    return Questions(job_id=job.id, focus=request.focus, questions=questions)


@router.post("/cover-letter", responses=NOT_FOUND)
async def write_cover_letter(request: LetterRequest, caller: CurrentUser, state: State) -> Letter:
    """Write a cover letter from a resume for a job."""
    resume = own_resume(state, caller, request.resume_id)
    job = _job(state, request.job_id)
    if state.flawed:
        tone = cast("str", request.tone).strip()  # PT201: the field may be null.
    else:
        tone = (request.tone or DEFAULT_TONE).strip()
    return Letter(
        resume_id=resume.id, job_id=job.id, tone=tone, text=_letter_text(resume, job, tone)
    )


def _letter_text(resume: Resume, job: Job, tone: str) -> str:
    skills = ", ".join(fit_of(resume, job).matched) or "curiosity"
    return f"Dear {job.company}, a {tone} word about {resume.title} for {job.title}: {skills}."


def _job(state: DemoState, job_id: int) -> Job:
    return found(state.jobs.find(job_id), "Job description")
