"""Plans, invoices, and the webhook by which a payment provider reports."""

import hashlib
import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from pydantic import BaseModel, Field

from perfectcv_traffic.demo.answers import UNAUTHORIZED, Page, Problem
from perfectcv_traffic.demo.models import Invoice, RowId, User
from perfectcv_traffic.demo.security import BearerToken, open_session
from perfectcv_traffic.demo.state import DEMO_WEBHOOK_SECRET, State

router = APIRouter(prefix="/payments", tags=["payments"])


class Plan(BaseModel):
    """What can be bought."""

    name: str
    credits: int
    price_cents: int
    currency: str


class PaymentEvent(BaseModel):
    """What the payment provider reports."""

    id: str = Field(min_length=1, max_length=100, examples=["evt_0001"])
    type: Literal["payment.succeeded", "payment.failed"] = Field(examples=["payment.succeeded"])
    user_id: RowId
    credits: int = Field(ge=0, le=1000, examples=[10])
    failure_reason: str | None = Field(default=None, max_length=500, examples=["card declined"])


class EventReceipt(BaseModel):
    """Whether the event changed anything."""

    applied: bool


PLANS = (
    Plan(name="starter", credits=10, price_cents=900, currency="GBP"),
    Plan(name="job hunt", credits=50, price_cents=2900, currency="GBP"),
    Plan(name="career", credits=200, price_cents=7900, currency="GBP"),
)


def sign_event(body: bytes) -> str:
    """The signature that the webhook expects in `X-Signature`."""
    return hmac.new(DEMO_WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()


async def check_signature(
    request: Request, x_signature: Annotated[str | None, Header(max_length=200)] = None
) -> None:
    """Raise 400 unless the body carries the provider's signature."""
    expected = sign_event(await request.body())
    if not hmac.compare_digest((x_signature or "").encode(), expected.encode()):
        raise HTTPException(400, "Missing or invalid signature")


def invoice_reader(token: BearerToken, state: State) -> User | None:
    """Whose invoices to show; raises 401 without a valid token."""
    if state.flawed:
        return None  # PT101: the scheme is declared, the check forgotten.
    return open_session(token, state).user


@router.get("/plans")
async def list_plans() -> list[Plan]:
    """What can be bought; public."""
    return list(PLANS)


@router.get("/invoices", responses=UNAUTHORIZED)
async def list_invoices(
    reader: Annotated[User | None, Depends(invoice_reader)], state: State, page: Page
) -> list[Invoice]:
    """The caller's invoices."""
    invoices = state.invoices.all()
    return page.of([row for row in invoices if reader is None or row.user_id == reader.id])


@router.post(
    "/webhook", dependencies=[Depends(check_signature)], responses={400: {"model": Problem}}
)
async def receive_payment_event(event: PaymentEvent, state: State) -> EventReceipt:
    """Credit an account once per event; an unknown account or a repeated event changes nothing."""
    user = state.users.find(event.user_id)
    if user is None or event.type != "payment.succeeded" or event.id in state.payment_events:
        return EventReceipt(applied=False)
    state.payment_events.add(event.id)
    credited = user.model_copy(update={"credits": user.credits + event.credits})
    state.users.replace(user.id, credited)
    return EventReceipt(applied=True)
