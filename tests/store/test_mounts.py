"""A database on a network file system is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store.mounts import require_local

LINES = """\
/dev/vda / ext4 rw 0 0
server:/x /net nfs4 rw 0 0
//host/c /net/with\\040space cifs rw 0 0
tmpfs /net/local tmpfs rw 0 0
me@host: /home/me/remote fuse.sshfs rw 0 0
/dev/vdb /over ext4 rw 0 0
server:/y /over nfs rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(LINES)
    return path


@pytest.mark.parametrize(
    ("db", "kind"),
    [
        ("/net/a.db", "nfs4"),
        ("/net/with space/a.db", "cifs"),
        ("/home/me/remote/deep/a.db", "fuse.sshfs"),
        ("/over/a.db", "nfs"),
    ],
)
def test_network_file_system_is_refused(mounts: Path, db: str, kind: str) -> None:
    with pytest.raises(StorageError, match=f"network file system .{kind}.*--db"):
        require_local(Path(db), mounts)


@pytest.mark.parametrize("db", ["/a.db", "/net/local/a.db", "/network/a.db", "/home/me/a.db"])
def test_local_file_system_is_taken(mounts: Path, db: str) -> None:
    require_local(Path(db), mounts)


def test_system_without_a_list_of_mounts_is_taken(tmp_path: Path) -> None:
    require_local(tmp_path / "a.db", tmp_path / "absent")
