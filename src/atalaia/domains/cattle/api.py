"""What the domain answers over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from atalaia.domains.cattle import api_watch

router = APIRouter()
router.routes.extend(api_watch.router.routes)  # routes themselves: each says who may come
