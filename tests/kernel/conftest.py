"""What tests of the kernel stand on: a source, its connector and a database, and no domain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.kernel.toy import Toy
from tests.sources.server import SourceServer


@pytest.fixture
def toy(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    """The toy source, well-behaved until told otherwise."""
    with SourceServer(lambda asked: made.answer(asked)) as server:
        made = Toy(server)
        monkeypatch.setenv("SOURCE_TOY_BASE_URL", server.url)
        yield made
