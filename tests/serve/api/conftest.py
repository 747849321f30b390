"""One API for a whole module, on a migrated database of the module's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.serve.api.server import Api, running


@pytest.fixture(scope="module")
def api(
    database_of_module: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """A running API; its database is migrated and empty."""
    with running(tmp_path_factory.mktemp("api"), REDIS_URL=redis) as found:
        yield found
