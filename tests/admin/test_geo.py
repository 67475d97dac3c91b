"""Places of logins from a local database; without one nothing is looked up."""

import sys
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.admin import geo
from perfectcv_traffic.errors import StorageError, UsageError

LEEDS = {
    "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}},
    "subdivisions": [{"names": {"en": "England"}}],
    "city": {"names": {"en": "Leeds"}},
    "location": {"latitude": 53.8, "longitude": -1.55, "time_zone": "Europe/London"},
    "traits": {"isp": "Example Net"},
}


@pytest.fixture(name="places")
def _places(tmp_path: Path, need: Any) -> Path:
    need("maxminddb", "mmdb_writer")
    import netaddr
    from mmdb_writer import MMDBWriter

    database = MMDBWriter(6, "GeoIP2-City", ipv4_compatible=True, float_type="float64")
    database.insert_network(netaddr.IPSet(["203.0.113.0/24"]), LEEDS)
    database.insert_network(netaddr.IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "FR"}})
    database.insert_network(netaddr.IPSet(["127.0.0.0/8"]), LEEDS)
    database.to_db_file(str(tmp_path / "places.mmdb"))
    return tmp_path / "places.mmdb"


def test_address_in_the_database_has_its_place(places: Path) -> None:
    assert geo.locator(str(places))("203.0.113.9") == {
        "country": "United Kingdom",
        "country_code": "GB",
        "region": "England",
        "city": "Leeds",
        "latitude": 53.8,
        "longitude": -1.55,
        "timezone": "Europe/London",
        "isp": "Example Net",
    }


def test_what_the_database_does_not_say_is_null(places: Path) -> None:
    place = geo.locator(str(places))("198.51.100.1")

    assert place["country_code"] == "FR"
    assert {name for name, value in place.items() if value is not None} == {"country_code"}


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "testclient", "", None])
def test_unknown_address_is_nowhere(places: Path, address: str | None) -> None:
    assert geo.locator(str(places))(address) == dict.fromkeys(geo.FIELDS)


def test_login_is_placed_when_configured(serve: Any, places: Path) -> None:
    service = serve(geoip=places)
    service.client.post("/auth/uuid", json={"uuid": "good-1"})
    service.ingest()

    assert service.admin("uuid-logs")["logs"][0]["geo_location"]["city"] == "Leeds"


def test_missing_or_broken_database_is_said_at_set_up(tmp_path: Path, need: Any) -> None:
    need("maxminddb")
    (tmp_path / "broken.mmdb").write_bytes(b"no database")

    with pytest.raises(StorageError, match="does not exist"):
        geo.locator(str(tmp_path / "missing.mmdb"))
    with pytest.raises(StorageError, match="cannot be read"):
        geo.locator(str(tmp_path / "broken.mmdb"))


def test_missing_library_is_said_at_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", None)

    with pytest.raises(UsageError, match=r"perfectcv-traffic\[geoip\]"):
        geo.locator("any.mmdb")
