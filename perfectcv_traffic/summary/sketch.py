"""A mergeable sketch of durations with at most 1 % relative error.

The mapping of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch
with relative-error guarantees", VLDB 2019): a value goes to the bucket ceil(log(value, GAMMA)),
and a bucket stands for the value in its middle. Buckets hold integers only, so that merging is
exact, associative and commutative. Durations are whole microseconds; below 1 counts as 1.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Mapping

RELATIVE_ERROR = 0.01
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = math.log(GAMMA)

PAIR = struct.Struct("<iq")
"""A packed bucket: its index (int32) and its count (int64), little-endian, no padding."""


def bucket(duration_us: int) -> int:
    """The bucket that a duration in microseconds falls into."""
    return math.ceil(math.log(duration_us) / _LOG_GAMMA) if duration_us > 1 else 0


def pack(buckets: Mapping[int, int]) -> bytes:
    """Bucket counts as bytes, ordered by bucket: equal sketches have equal bytes."""
    pairs = itertools.chain.from_iterable(sorted(buckets.items()))
    return struct.pack(f"<{'iq' * len(buckets)}", *pairs)


def unpack(packed: bytes) -> dict[int, int]:
    """Bucket counts from `pack`'s bytes."""
    return dict(PAIR.iter_unpack(packed))


def merge(left: bytes, right: bytes) -> bytes:
    """The packed sum of two packed sketches."""
    total = unpack(left)
    for index, count in PAIR.iter_unpack(right):
        total[index] = total.get(index, 0) + count
    return pack(total)


def subtract(whole: bytes, part: bytes | None) -> bytes:
    """The packed sketch of what a packed sketch has more than it had as `part`, if it was one."""
    rest = unpack(whole)
    for index, count in PAIR.iter_unpack(part or b""):
        rest[index] = rest.get(index, 0) - count
    return pack({index: count for index, count in rest.items() if count > 0})
