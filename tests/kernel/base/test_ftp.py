"""FTP by the outbound client: the whole file or an error, in time, from where it was judged."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sources.ftp import FtpServer

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import (
    AddressRefused,
    NotPublished,
    SourceError,
    SourceFailed,
    SourceTooSlow,
)
from atalaia.kernel.base.outbound import Exchange, download
from atalaia.kernel.base.settings import settings

BODY = bytes(range(256)) * 3000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FtpServer]:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "dados 2024.dbc").write_bytes(BODY)
    (tmp_path / "public" / "nada.txt").write_bytes(b"")
    with FtpServer(tmp_path / "public") as made:
        yield made


def get(
    server: FtpServer, folder: Path, name: str = "dados%202024.dbc", seconds: float = 20
) -> tuple[Exchange, str, int]:
    return download(
        f"{server.url}/{name}",
        folder / "body",
        deadline=Deadline(seconds),
        timeout_seconds=2,
        inside=server.url,
    )


def test_a_file_arrives_whole_in_binary(server: FtpServer, tmp_path: Path) -> None:
    exchange, sha256, size = get(server, tmp_path)
    assert (tmp_path / "body").read_bytes() == BODY
    assert (sha256, size) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert (exchange.status, exchange.headers) == (226, {"content-length": str(len(BODY))})


def test_data_is_fetched_from_the_machine_that_was_judged(
    server: FtpServer, tmp_path: Path
) -> None:
    server.elsewhere()
    assert get(server, tmp_path)[2] == len(BODY)


@pytest.mark.row("R-018")
@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("cut", SourceFailed, "interrompeu"),
        ("short", SourceFailed, "anunciou 999999 bytes"),
        ("silence", SourceFailed, "demorou mais de 2 s"),
        ("refuse", SourceFailed, "interrompeu"),
        ("drip", SourceTooSlow, "não tinha terminado"),
    ],
)
def test_every_fault_has_its_error_in_time(
    server: FtpServer, tmp_path: Path, fault: str, error: type[SourceError], said: str
) -> None:
    server.fault = fault
    began = time.monotonic()
    with pytest.raises(error, match=said):
        get(server, tmp_path, seconds=3)
    assert server.downloads, "the fault was met"
    assert time.monotonic() - began < 5


@pytest.mark.row("R-018")
def test_what_is_not_there_was_not_published(server: FtpServer, tmp_path: Path) -> None:
    with pytest.raises(NotPublished):
        get(server, tmp_path, "outro.dbc")
    with pytest.raises(NotPublished, match="sem conteúdo"):
        get(server, tmp_path, "nada.txt")


def test_a_file_larger_than_the_cap_is_given_up(
    server: FtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_MAX_BYTES", "1000")
    settings.cache_clear()
    try:
        with pytest.raises(SourceFailed, match="mais de 1000 bytes"):
            get(server, tmp_path)
    finally:
        settings.cache_clear()


@pytest.mark.parametrize("path", ["", "a%0d%0aDELE%20b", "a%00"])
def test_a_path_that_is_more_than_a_path(server: FtpServer, tmp_path: Path, path: str) -> None:
    with pytest.raises(AddressRefused):
        get(server, tmp_path, path)
    assert server.downloads == []
