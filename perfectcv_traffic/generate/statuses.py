"""Status codes by what they tell a client."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = range(200, 300)
CLIENT_ERRORS: Final = range(400, 500)
SERVER_ERRORS: Final = range(500, 600)

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
METHOD_NOT_ALLOWED: Final = 405
CONFLICT: Final = 409
TOO_MANY_REQUESTS: Final = 429
