"""Ten moments to go back to: make test-night SET=backup."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serve.local.test_wal import check_points, server

from atalaia.serve.local import wal
from atalaia.serve.local.postgres import PrivatePostgres

__all__ = ["server"]


@pytest.mark.night("backup")
@pytest.mark.row("R-024")
@pytest.mark.timeout(900)
def test_ten_restores_to_a_second(server: PrivatePostgres, tmp_path: Path) -> None:
    wal.take_base(server)
    check_points(server, tmp_path, 10)
