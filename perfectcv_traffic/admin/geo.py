"""Where a login came from: from a local MaxMind database if one is configured, else unknown."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perfectcv_traffic.errors import StorageError, UsageError

FIELDS = ("country", "country_code", "region", "city", "latitude", "longitude", "timezone", "isp")

Place = dict[str, Any]
Locate = Callable[[str | None], Place]


def nowhere(_address: str | None = None) -> Place:
    """A place of which nothing is known."""
    return dict.fromkeys(FIELDS)


def locator(path: str) -> Locate:
    """A function from an address to its place; no request ever leaves the machine.

    Raises `UsageError` when the library is missing, `StorageError` when the file cannot be read.
    """
    if not path:
        return nowhere
    try:
        import maxminddb
    except ImportError as error:
        raise UsageError("geoip needs maxminddb: pip install 'perfectcv-traffic[geoip]'") from error
    if not Path(path).is_file():
        raise StorageError(f"geoip database {path} does not exist: name a MaxMind .mmdb file")
    try:
        reader = maxminddb.open_database(path)
    except (maxminddb.InvalidDatabaseError, OSError) as error:
        raise StorageError(f"geoip database {path} cannot be read: {error}") from error

    def locate(address: str | None) -> Place:
        try:
            found = reader.get(str(ipaddress.ip_address(address or "")))
        except (ValueError, maxminddb.InvalidDatabaseError):
            found = None
        return _place(found) if isinstance(found, Mapping) else nowhere()

    return locate


def _place(found: Mapping[str, Any]) -> Place:
    regions = found.get("subdivisions") or [{}]
    location = _object(found, "location")
    country = _object(found, "country")
    traits = _object(found, "traits")
    return {
        "country": _name(country),
        "country_code": country.get("iso_code"),
        "region": _name(regions[0]),
        "city": _name(_object(found, "city")),
        "latitude": location.get("latitude"),
        "longitude": location.get("longitude"),
        "timezone": location.get("time_zone"),
        "isp": traits.get("isp") or found.get("isp"),
    }


def _object(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    return value if isinstance(value, Mapping) else {}


def _name(named: Mapping[str, Any]) -> str | None:
    name = _object(named, "names").get("en")
    return name if isinstance(name, str) else None
