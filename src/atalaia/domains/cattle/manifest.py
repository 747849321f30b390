"""What the domain cattle brings: files of feeding software, in five layouts."""

from __future__ import annotations

from pathlib import Path

from atalaia.kernel.domain import Domain

DOMAIN = Domain(
    name="cattle",
    title="Conecta Boi",
    folder=Path(__file__).parent,
    jobs=(),
    connectors=(),
    registry=(),
)
