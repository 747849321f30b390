"""What the domain answers over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from atalaia.domains.cattle import api_files, api_watch, tus

router = APIRouter()
# Routes themselves: each says who may come. tus stands before /files/{file_id}.
for part in (tus.router, api_files.router, api_watch.router):
    router.routes.extend(part.routes)
