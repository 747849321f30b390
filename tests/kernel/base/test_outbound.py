"""Outbound HTTP: every fault has its error, no wait outlives the deadline, no body is half."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from tests.sources import server as faults
from tests.sources.server import Answer, SourceServer, drip, drip_headers, nobody, silence, status

from atalaia.kernel.base import transport
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import (
    NotPublished,
    SourceError,
    SourceFailed,
    SourceTooSlow,
    Unreachable,
)
from atalaia.kernel.base.outbound import Exchange, download
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.transport import UNTRUSTED

BODY = b"x" * 5000


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with SourceServer(lambda _asked: Answer(BODY, "text/csv", headers={"ETag": '"1"'})) as made:
        yield made


def get(url: str, folder: Path, seconds: float = 20, **options: float) -> tuple[Exchange, str, int]:
    body = folder / "body"
    return download(url, body, deadline=Deadline(seconds), inside=url, **options)  # type: ignore[arg-type]


def test_a_body_arrives_with_its_hash_and_its_exchange(
    server: SourceServer, tmp_path: Path
) -> None:
    exchange, sha256, size = download(
        f"{server.url}/a b/ç",
        tmp_path / "body",
        deadline=Deadline(20),
        inside=server.url,
        params={"localidades": "N6[N3[31]]", "formato": "application/vnd.geo+json"},
    )
    assert (tmp_path / "body").read_bytes() == BODY
    assert (sha256, size) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert exchange.status == 200
    assert exchange.headers["etag"] == '"1"'
    (hit,) = server.hits
    assert hit.query == {"localidades": "N6[N3[31]]", "formato": "application/vnd.geo+json"}
    assert exchange.url.startswith(f"{server.url}/a%20b/%C3%A7?")


def test_a_compressed_body_is_kept_as_its_content(server: SourceServer, tmp_path: Path) -> None:
    def compressed(handler: faults.Handler, answer: Answer) -> None:
        packed = gzip.compress(answer.body)
        handler.whole(Answer(packed, answer.content_type, headers={"Content-Encoding": "gzip"}))

    server.misbehave(compressed)
    _, sha256, size = get(server.url, tmp_path)
    assert (sha256, size) == (hashlib.sha256(BODY).hexdigest(), len(BODY))


@pytest.mark.row("R-018")
@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (status(404), NotPublished, "HTTP 404"),
        (status(204), NotPublished, "HTTP 204"),
        (faults.empty, NotPublished, "sem conteúdo"),
        *((status(code), SourceFailed, f"HTTP {code}") for code in (400, 401, 403, 429, 500, 503)),
        (faults.half_body, SourceFailed, "RemoteProtocolError"),
        (faults.reset, SourceFailed, "interrompeu"),
        (faults.redirect_loop, SourceFailed, "manda para outro endereço .HTTP 301"),
        (faults.broken_gzip, SourceFailed, "DecodingError"),
    ],
)
def test_every_fault_has_its_error(
    server: SourceServer, tmp_path: Path, fault: faults.Fault, error: type[SourceError], said: str
) -> None:
    server.misbehave(fault)
    with pytest.raises(error, match=said) as caught:
        get(server.url, tmp_path)
    assert type(caught.value) is error
    assert "127.0.0.1" in str(caught.value)


def test_a_refusal_is_read(server: SourceServer, tmp_path: Path) -> None:
    server.misbehave(status(500, body="excedeu o limite: 50000 é demais ".encode() * 1000))
    with pytest.raises(SourceFailed) as caught:
        get(server.url, tmp_path)
    assert caught.value.status == 500
    assert caught.value.answer.startswith("excedeu o limite: 50000 é demais")
    assert len(caught.value.answer.encode()) <= 4100


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("0", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)]
)
def test_retry_after(server: SourceServer, tmp_path: Path, header: str, seconds: float) -> None:
    assert _retry_after(server, tmp_path, header) == seconds


def test_retry_after_as_a_date_to_come(server: SourceServer, tmp_path: Path) -> None:
    asked = datetime.now(UTC) + timedelta(minutes=5)
    found = _retry_after(server, tmp_path, format_datetime(asked, usegmt=True))
    assert found is not None
    assert (asked - datetime.now(UTC)).total_seconds() - 1 <= found <= 300


def _retry_after(server: SourceServer, folder: Path, header: str) -> float | None:
    server.misbehave(status(429, retry_after=header))
    with pytest.raises(SourceFailed) as caught:
        get(server.url, folder)
    return caught.value.retry_after


@pytest.mark.parametrize("header", ["", "soon", "-5", "1.5", "Oct 2015"])
def test_a_retry_after_nobody_understands_is_none(
    server: SourceServer, tmp_path: Path, header: str
) -> None:
    assert _retry_after(server, tmp_path, header) is None


@pytest.mark.row("T-025")
@pytest.mark.parametrize("fault", [silence(30), drip(0.05), drip_headers(0.05)])
def test_no_wait_outlives_the_deadline(
    server: SourceServer, tmp_path: Path, fault: faults.Fault
) -> None:
    server.misbehave(fault)
    began = time.monotonic()
    with pytest.raises(SourceTooSlow):
        get(server.url, tmp_path, seconds=1)
    assert time.monotonic() - began < 2


def test_one_wait_has_a_limit_of_its_own(server: SourceServer, tmp_path: Path) -> None:
    server.misbehave(silence(5))
    began = time.monotonic()
    with pytest.raises(SourceFailed, match=r"mais de 0\.3 s"):
        get(server.url, tmp_path, timeout_seconds=0.3)
    assert time.monotonic() - began < 2


def test_a_body_larger_than_the_cap_is_given_up(
    server: SourceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_MAX_BYTES", "4999")
    with pytest.raises(SourceFailed, match="4999 bytes"):
        get(server.url, tmp_path)
    monkeypatch.setenv("SOURCE_MAX_BYTES", "5000")
    settings.cache_clear()
    assert get(server.url, tmp_path)[2] == 5000


def test_whose_fault_it_is_that_there_is_no_connection(tmp_path: Path) -> None:
    with nobody() as url, pytest.raises(SourceFailed, match="recusou"):
        get(url, tmp_path)
    with pytest.raises(Unreachable) as caught:
        get("http://no-such-host.invalid", tmp_path)
    assert caught.value.verdict == "we_failed"


def test_the_certificate_a_source_showed_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fingerprint as OpenSSL says it, and when it expires; nothing of a source without TLS."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
    subprocess.run(
        [*command.split(), *files, "-out", str(certificate)], check=True, capture_output=True
    )
    asked = ["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport.client.cache_clear()
    made = SourceServer(lambda _asked: Answer(BODY))
    made.secure(certificate, key)
    try:
        with made as server, SourceServer(lambda _asked: Answer(BODY)) as plain:
            shown, none = (get(url, tmp_path)[0].certificate for url in (server.url, plain.url))
    finally:
        transport.client.cache_clear()
    assert none is None
    assert shown
    assert shown["sha256"] == said.strip().partition("=")[2].replace(":", "").lower()
    left = datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC)
    assert 8 < left.total_seconds() / 86400 < 9.1


def test_a_certificate_nobody_vouches_for_is_the_sources_failure(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    made = SourceServer(lambda _asked: Answer(BODY))
    made.secure(certificate, key)
    with made as server, pytest.raises(SourceFailed, match=f"^{UNTRUSTED}.*self") as caught:
        get(server.url, tmp_path)
    assert type(caught.value) is SourceFailed


def test_who_speaks_no_tls_has_no_certificate_to_blame(tmp_path: Path) -> None:
    with (
        SourceServer(lambda _asked: Answer(BODY)) as server,
        pytest.raises(SourceFailed, match="TLS") as caught,
    ):
        get(server.url.replace("http://", "https://"), tmp_path)
    assert not str(caught.value).startswith(UNTRUSTED)


def test_connections_are_met_through_the_deadline_even_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """httpx drops HTTP_PROXY for a transport it did not make itself; ours must not."""
    transport.client.cache_clear()
    with SourceServer(lambda _asked: Answer(b"by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        try:
            get("http://a-host.invalid/data", tmp_path)
            assert (tmp_path / "body").read_bytes() == b"by proxy"
            proxy.misbehave(drip_headers(0.05))
            with pytest.raises(SourceTooSlow):
                get("http://a-host.invalid/data", tmp_path, seconds=1)
        finally:
            transport.client.cache_clear()
