"""The private Redis: behind its password, the same after a restart, empty."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from atalaia.serve.local.redis import PrivateRedis


def test_it_starts_once_keeps_its_address_and_keeps_no_data(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path / "redis")
    first = server.start()
    url = server.url()
    try:
        assert server.start() == first
        with Redis.from_url(url) as client:
            client.set("a", "1")
        with (
            pytest.raises(AuthenticationError),
            Redis(host="127.0.0.1", port=first.port) as stranger,
        ):
            stranger.get("a")
        server.stop()
        assert server.running() is None
        server.start()
        assert server.url() == url
        with Redis.from_url(url) as client:
            assert client.get("a") is None
    finally:
        server.stop()
    assert server.stop() is False
    assert (tmp_path / "redis" / "redis.conf").stat().st_mode & 0o077 == 0
