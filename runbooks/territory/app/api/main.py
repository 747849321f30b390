"""`from app.api.main import app` (runbook 11.5 e 11.6): o mesmo objeto que `app.main`."""

from app.main import app

__all__ = ["app"]
