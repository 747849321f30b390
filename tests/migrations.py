"""The kernel's newest migration and the one before it, by their numbers."""

from __future__ import annotations

from atalaia.kernel.base.settings import project_dir

BEFORE, NEWEST = sorted(
    file.name[:3] for file in (project_dir() / "src/atalaia/db/versions").glob("[0-9]*.py")
)[-2:]
