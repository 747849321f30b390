"""What the bundled connectors stand on."""

from __future__ import annotations

import pytest
from tests.domains.territory.ground import Ground


@pytest.fixture
def ground(database: str) -> Ground:
    """A fresh database that knows every municipality."""
    return Ground()
