"""What the domain answers over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from atalaia.domains.cattle import (
    api_deviations,
    api_files,
    api_intake,
    api_letters,
    api_watch,
    tus,
)

router = APIRouter()
# Routes themselves: each says who may come. tus stands before /files/{file_id}.
for part in (tus, api_intake, api_files, api_letters, api_deviations, api_watch):
    router.routes.extend(part.router.routes)
