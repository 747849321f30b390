"""The instance of the drills."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.serve.local.conftest import Instance


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """The whole product in a folder, as `atalaia up` starts it; each drill leaves it well."""
    folder = tmp_path_factory.mktemp("drills")
    found = Instance(folder / "state", folder / "data")
    try:
        found.up()
        yield found
    finally:
        found.run("down")
