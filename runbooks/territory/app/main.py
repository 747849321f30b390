"""`uvicorn app.main:app` (runbook 6.1)."""

import sys

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import database_url
from atalaia.serve.api import app
from atalaia.serve.cli.failure import explain

__all__ = ["app"]

try:
    database_url()
except UsageError as error:  # sem endereço não há o que servir: uma mensagem clara, e fora
    sys.exit(explain(error))
