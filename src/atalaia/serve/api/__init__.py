"""How people and programs reach Atalaia over HTTP: `uvicorn atalaia.serve.api:app`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atalaia.serve.api.application import create
from atalaia.serve.api.cache import CacheHeaderMiddleware

if TYPE_CHECKING:
    app: CacheHeaderMiddleware

__all__ = ["CacheHeaderMiddleware", "app", "create"]


def __getattr__(name: str) -> Any:
    """`app` is made when first asked for: importing a part of the API starts nothing."""
    if name != "app":
        raise AttributeError(name)
    made = globals()["app"] = create()
    return made
