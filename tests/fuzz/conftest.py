"""One API for a whole module, and the toy source of the kernel's tests."""

from __future__ import annotations

from tests.kernel.conftest import toy
from tests.serve.api.conftest import api
from tests.serve.cli.conftest import alone, here

__all__ = ["alone", "api", "here", "toy"]
