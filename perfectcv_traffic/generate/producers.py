"""Which operations answer with ids that others need: `/resumes` for `/resumes/{resume_id}`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from perfectcv_traffic.generate.operations import PATH_PARAMETER, Operation

_PRODUCING_METHODS: Final = ("GET", "POST")
_ID_WORDS: Final = frozenset({"id", "uuid", "guid", "key", "slug"})
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")


class Producers:
    """Collections, and the operations that list or create their objects."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations: defaultdict[str, list[Operation]] = defaultdict(list)
        self._by_noun: defaultdict[str, list[str]] = defaultdict(list)
        for operation in operations:
            collection = collection_of(operation.path)
            if operation.method in _PRODUCING_METHODS and not collection.endswith("}"):
                self._operations[collection].append(operation)
        # Nested collections last: `project_id` is rather one of `/projects`.
        for collection in sorted(self._operations, key=lambda one: one.count("{}")):
            for noun in _singulars(collection):
                self._by_noun[noun].append(collection)
        self._feeding_keys = {one.key for each in operations for one in self.feeding(each)}

    def __contains__(self, operation: Operation) -> bool:
        return operation.key in self._feeding_keys

    def knows(self, collection: str) -> bool:
        """Whether an operation lists or creates the objects of a collection."""
        return collection in self._operations

    def collections(self, operation: Operation, hole: str) -> tuple[str, ...]:
        """The collections whose objects fill one path parameter: the one before it in the path,
        else those named as it is."""
        before = collection_of(operation.path.partition(f"{{{hole}}}")[0])
        found = [before] if self.knows(before) else []
        found += self._by_noun.get(_noun(hole), ())
        return tuple(dict.fromkeys(found))

    def named(self, name: str) -> tuple[str, ...]:
        """The collections whose objects a query parameter or body field such as `job_id` names."""
        noun = _noun(name)
        is_id = noun and noun != plain(name)
        return tuple(self._by_noun.get(noun, ())) if is_id else ()

    def feeding(self, operation: Operation) -> tuple[Operation, ...]:
        """The operations to ask before `operation`, the shortest path first."""
        holes = PATH_PARAMETER.findall(operation.path)
        names = {name for hole in holes for name in self.collections(operation, hole)}
        found = [one for name in names for one in self._operations[name]]
        return tuple(sorted(found, key=lambda one: (len(one.path), one.key)))


def collection_of(path: str) -> str:
    """A path template without trailing slash and without the names of its parameters."""
    return PATH_PARAMETER.sub("{}", path).rstrip("/")


def words_of(name: str) -> list[str]:
    """The lower-case words of a name: `resumeId`, `resume_id` and `resume-id` are alike."""
    return [word.lower() for word in _WORD.findall(name)]


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A name without case and separators: `resumeId` and `resume_id` are `resumeid`."""
    return "".join(words_of(name))


def _noun(hole: str) -> str:
    return "".join(word for word in words_of(hole) if word not in _ID_WORDS)


def _singulars(collection: str) -> set[str]:
    *before, last = [segment for segment in collection.split("/") if segment] or [""]
    plural = plain(last)
    forms = {plural, plural.removesuffix("s"), plural.removesuffix("es")}
    if plural.endswith("ies"):
        forms.add(plural.removesuffix("ies") + "y")
    # `shoppingListId` names an object of `/shopping/lists`.
    owner = plain(before[-1]) if before else ""
    return {form for one in forms - {""} for form in (one, owner + one)}
