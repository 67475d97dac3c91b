"""Requests that prepare a run: marked as such, and only to hosts that are allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec

from perfectcv_traffic.generate.answer import Answer, Sends
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.marks import SETUP_SCENARIO, marks, request_id
from perfectcv_traffic.generate.operations import FORM_MEDIA_TYPE, JSON_MEDIA_TYPE
from perfectcv_traffic.generate.target import check_host, parse_address

MAX_SETUP_BYTES = 67_108_864


@dataclass(slots=True, kw_only=True)
class Setup:
    """Sends the few requests before the traffic, and remembers their ids."""

    sender: Sends
    run_id: str
    allow_hosts: Collection[str]
    request_ids: list[str] = field(default_factory=list)

    async def get(self, address: str) -> Answer:
        """Fetch one URL."""
        return await self._send("GET", address, {"Accept": "application/json"}, None)

    async def post_form(self, address: str, form: Mapping[str, str]) -> Answer:
        """Post a form to one URL."""
        return await self._send(
            "POST", address, {"Content-Type": FORM_MEDIA_TYPE}, urlencode(form).encode()
        )

    async def post_json(self, address: str, fields: Mapping[str, str]) -> Answer:
        """Post a JSON object to one URL."""
        content = msgspec.json.encode(dict(fields))
        return await self._send("POST", address, {"Content-Type": JSON_MEDIA_TYPE}, content)

    async def _send(
        self, method: str, address: str, headers: dict[str, str], content: bytes | None
    ) -> Answer:
        url = parse_address(address)
        check_host(url, self.allow_hosts)
        number = f"setup-{len(self.request_ids) + 1}"
        self.request_ids.append(request_id(self.run_id, number))
        request = WireRequest(
            method=method,
            path=url.path,
            url=address,
            headers=headers | marks(self.run_id, number, SETUP_SCENARIO),
            content=content,
        )
        return await self.sender.send(request, limit=MAX_SETUP_BYTES)
