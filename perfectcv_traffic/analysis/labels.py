"""The labels that requests are counted under, in the order in which they are shown."""

from __future__ import annotations

from perfectcv_traffic.record import TokenValidity

NOT_RECORDED = "not recorded"
WITH_TOKEN = "with token"  # a label, not a secret
WITHOUT_TOKEN = "without token"
TOKEN_PRESENCES = (WITH_TOKEN, WITHOUT_TOKEN, NOT_RECORDED)
TOKEN_VALIDITIES = (*(str(validity) for validity in TokenValidity), NOT_RECORDED)

OTHER = "other"
NO_RESPONSE = "no response"
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", OTHER, NO_RESPONSE)
"""Every request is in exactly one; `other` is a number outside 100 to 599."""
FAILED = ("4xx", "5xx", NO_RESPONSE)
"""What a request that failed is in, where it is not said on which side."""
