"""The data a demo starts with: made up, and the same for the same seed."""

from datetime import UTC, datetime, timedelta
from random import Random

from perfectcv_traffic.demo.models import (
    CacheEntry,
    Experience,
    Invoice,
    Job,
    MarketTrend,
    Optimization,
    Resume,
    Role,
    User,
)
from perfectcv_traffic.demo.optimizations import fit_of
from perfectcv_traffic.demo.payments import PLANS
from perfectcv_traffic.demo.security import hash_password
from perfectcv_traffic.demo.state import (
    DEMO_ADMIN_EMAIL,
    DEMO_ADMIN_PASSWORD,
    DEMO_USER_EMAIL,
    DEMO_USER_PASSWORD,
    DemoState,
)

FIRST_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
FIRST_NAMES = ("Alan", "Barbara", "Edsger", "Frances", "Grace", "John", "Katherine", "Radia")
LAST_NAMES = ("Backus", "Hamilton", "Holberton", "Kay", "Liskov", "Naur", "Perlman", "Wilkes")
SKILLS = ("Python", "SQL", "FastAPI", "Docker", "Terraform", "React", "Pandas", "Go", "Kafka")
TITLES = ("Data engineer", "Backend developer", "Platform engineer", "Data analyst")
COMPANIES = ("Difference Machines plc", "Analytical Engines Ltd", "Punch Card & Sons")
REGIONS = ("Leeds", "London", "Bristol")
TEAMS = {"Leeds": ("M. Bright", "J. Stone"), "Bristol": ("A. Park", "T. Wells")}
SEASONS = ("2023-24", "2024-25", "2025-26")

OTHER_USERS = 8
JOBS = 12
RESUMES = 16


def seeded_state(*, seed: int = 0, flawed: bool = True) -> DemoState:
    """A fresh state; id 1 of resumes, jobs and optimizations belongs to the demo user."""
    state = DemoState(flawed=flawed)
    random = Random(seed)
    _add_users(state, random)
    _add_jobs(state, random)
    _add_resumes(state, random)
    _add_optimizations(state)
    _add_invoices(state, random)
    state.trends = _trends(random)
    state.cache = _cache(random)
    return state


def _add_users(state: DemoState, random: Random) -> None:
    _add_user(state, DEMO_USER_EMAIL, "Ada Lovelace", Role.USER)
    _add_user(state, DEMO_ADMIN_EMAIL, "Charles Babbage", Role.ADMIN)
    state.password_hashes = {
        1: hash_password(DEMO_USER_EMAIL, DEMO_USER_PASSWORD),
        2: hash_password(DEMO_ADMIN_EMAIL, DEMO_ADMIN_PASSWORD),
    }
    for number in range(OTHER_USERS):
        name = f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"
        _add_user(state, f"user-{number}@perfectcv.example", name, Role.USER)


def _add_user(state: DemoState, email: str, full_name: str, role: Role) -> None:
    state.users.add(
        lambda row_id: User(
            id=row_id,
            email=email,
            full_name=full_name,
            role=role,
            headline=TITLES[row_id % len(TITLES)] if row_id % 3 else None,
            phone=f"+44 20 7946 {row_id:04}" if row_id % 2 else None,
            credits=row_id * 5,
            created_at=FIRST_DAY + timedelta(days=row_id),
        )
    )


def _add_jobs(state: DemoState, random: Random) -> None:
    for _ in range(JOBS):
        state.jobs.add(lambda row_id: _job(row_id, random))


def _job(row_id: int, random: Random) -> Job:
    title, salary = random.choice(TITLES), random.randrange(40_000, 70_000, 1_000)
    return Job(
        id=row_id,
        owner_id=_owner(row_id),
        title=title,
        company=random.choice(COMPANIES),
        location=random.choice((*REGIONS, None)),
        description=f"We are looking for a {title.lower()}.",
        required_skills=random.sample(SKILLS, 4),
        salary_min=salary if row_id % 3 else None,
        salary_max=salary + 15_000 if row_id % 2 else None,
        created_at=FIRST_DAY + timedelta(days=row_id, hours=2),
    )


def _add_resumes(state: DemoState, random: Random) -> None:
    for _ in range(RESUMES):
        state.resumes.add(lambda row_id: _resume(row_id, random))


def _resume(row_id: int, random: Random) -> Resume:
    title, created = random.choice(TITLES), FIRST_DAY + timedelta(days=row_id, hours=4)
    return Resume(
        id=row_id,
        owner_id=_owner(row_id),
        title=title,
        summary=f"{title}, available at once." if row_id % 3 else None,
        skills=random.sample(SKILLS, 5),
        experience=[_experience(random) for _ in range(random.randint(1, 3))],
        file_name=f"resume-{row_id}.pdf" if row_id % 2 else None,
        created_at=created,
        updated_at=created + timedelta(days=3) if row_id % 4 == 0 else None,
    )


def _experience(random: Random) -> Experience:
    return Experience(
        company=random.choice(COMPANIES),
        title=random.choice(TITLES),
        years=random.randint(1, 9),
        description=random.choice(("Kept the service running.", None)),
    )


def _add_optimizations(state: DemoState) -> None:
    for resume, job in zip(state.resumes.all(), state.jobs.all(), strict=False):
        _add_optimization(state, resume, job)


def _add_optimization(state: DemoState, resume: Resume, job: Job) -> None:
    state.optimizations.add(lambda row_id: _optimization(row_id, resume, job))


def _optimization(row_id: int, resume: Resume, job: Job) -> Optimization:
    is_done, created = row_id % 3 > 0, FIRST_DAY + timedelta(days=row_id, hours=6)
    fit = fit_of(resume, job)
    return Optimization(
        id=row_id,
        owner_id=resume.owner_id,
        resume_id=resume.id,
        job_id=job.id,
        note=None,
        status="completed" if is_done else "queued",
        score=fit.score if is_done else None,
        matched_skills=fit.matched if is_done else [],
        missing_skills=fit.missing if is_done else [],
        created_at=created,
        completed_at=created + timedelta(seconds=2) if is_done else None,
    )


def _add_invoices(state: DemoState, random: Random) -> None:
    for user in state.users.all():
        _add_invoice(state, user, random)


def _add_invoice(state: DemoState, user: User, random: Random) -> None:
    issued = FIRST_DAY.date() + timedelta(days=random.randrange(60))
    state.invoices.add(
        lambda row_id: Invoice(
            id=row_id,
            user_id=user.id,
            customer=user.full_name,
            amount_cents=random.choice(PLANS).price_cents,
            currency="GBP",
            issued_on=issued,
            paid_on=issued + timedelta(days=5) if row_id % 4 else None,
        )
    )


def _trends(random: Random) -> list[MarketTrend]:
    # The first region of each role has too few openings for a median, whatever the seed.
    return [
        MarketTrend(
            role=role,
            region=region,
            median_salary=random.randrange(40_000, 80_000, 500),
            openings=random.randrange(5, 20) if number == 0 else random.randrange(20, 400),
        )
        for role in TITLES
        for number, region in enumerate(REGIONS)
    ]


def _cache(random: Random) -> list[CacheEntry]:
    return [
        CacheEntry(
            team=team,
            player=player,
            season=season,
            appearances=random.randrange(40),
            rating=random.choice((round(random.uniform(5, 9), 1), None)),
        )
        for team, players in TEAMS.items()
        for player in players
        for season in SEASONS
    ]


def _owner(row_id: int) -> int:
    # Every second row is the demo user's, the rest belong to the others in turn.
    return 1 if row_id % 2 else 3 + row_id % OTHER_USERS
