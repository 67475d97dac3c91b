"""The demo's entities and what a client sends to make them, as pydantic models.

A field that may be null says so; everything else refuses null with 422.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"

Line = Annotated[str, Field(min_length=1, max_length=200)]
Paragraph = Annotated[str, Field(max_length=4000)]
Skill = Annotated[str, Field(min_length=1, max_length=60, examples=["Python"])]
Skills = Annotated[list[Skill], Field(max_length=50, examples=[["Python", "SQL"]])]
Email = Annotated[
    str, Field(pattern=EMAIL_PATTERN, max_length=254, examples=["grace@perfectcv.example"])
]
RowId = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[1])]
Salary = Annotated[int, Field(ge=0, le=10_000_000)]


class Entity(BaseModel):
    """A stored row: never changed in place, only replaced by a changed copy."""

    model_config = ConfigDict(frozen=True)


class Role(StrEnum):
    """What an account may do."""

    USER = "user"
    ADMIN = "admin"
    DEVICE = "device"


class User(Entity):
    """An account."""

    id: int
    email: str
    full_name: str
    role: Role
    headline: str | None
    phone: str | None
    credits: int
    created_at: datetime


class Experience(BaseModel):
    """One position in a resume."""

    company: Line = Field(examples=["Analytical Engines Ltd"])
    title: Line = Field(examples=["Data engineer"])
    years: int = Field(ge=0, le=60, examples=[4])
    description: Paragraph | None = Field(default=None, examples=["Built the ingest pipeline."])


class ResumeDraft(BaseModel):
    """A resume as its owner writes it."""

    title: Line = Field(examples=["Data engineer, 2026"])
    summary: Paragraph | None = Field(default=None, examples=["Eight years of data platforms."])
    skills: Skills = Field(default_factory=list)
    experience: list[Experience] = Field(default_factory=list, max_length=30)


class Resume(ResumeDraft, Entity):
    """A stored resume."""

    id: int
    owner_id: int
    file_name: str | None
    created_at: datetime
    updated_at: datetime | None


class JobDraft(BaseModel):
    """A job description as its owner writes it."""

    title: Line = Field(examples=["Backend developer"])
    company: Line = Field(examples=["Difference Machines plc"])
    location: Line | None = Field(default=None, examples=["Leeds"])
    description: Paragraph = Field(examples=["Own the public API and its storage."])
    required_skills: Skills = Field(default_factory=list)
    salary_min: Salary | None = Field(default=None, examples=[52_000])
    salary_max: Salary | None = Field(default=None, examples=[68_000])


class Job(JobDraft, Entity):
    """A stored job description."""

    id: int
    owner_id: int
    created_at: datetime


class OptimizationRequest(BaseModel):
    """Which resume to fit to which job description."""

    resume_id: RowId
    job_id: RowId
    note: Paragraph | None = Field(default=None, examples=["Keep it to one page."])


class Optimization(OptimizationRequest, Entity):
    """How well a resume fits a job; a queued one has no score yet."""

    id: int
    owner_id: int
    status: Literal["queued", "completed"]
    score: int | None
    matched_skills: list[str]
    missing_skills: list[str]
    created_at: datetime
    completed_at: datetime | None


class Invoice(Entity):
    """What a customer was billed."""

    id: int
    user_id: int
    customer: str
    amount_cents: int
    currency: str
    issued_on: date
    paid_on: date | None


class MarketTrend(Entity):
    """What a role earns in a region."""

    role: str
    region: str
    median_salary: int
    openings: int


class CacheEntry(Entity):
    """A player's season as the statistics cache holds it."""

    team: str
    player: str
    season: str
    appearances: int
    rating: float | None
