"""`uvicorn app.main:app` (runbook 6.1)."""

from atalaia.serve.api import app

__all__ = ["app"]
