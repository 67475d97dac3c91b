"""The demo's public health operation."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"]


@router.get("/health")
async def read_health() -> Health:
    """Say that the service is up."""
    return Health(status="ok")
