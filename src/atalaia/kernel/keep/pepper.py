"""Secrets we give out and never keep: made here, kept as HMAC-SHA256 under KEY_PEPPER.

The database alone is then worth nothing to who steals it: without the pepper, which is not in it,
no guess can be tried against a hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Literal

from atalaia.kernel.base.errors import Unavailable
from atalaia.kernel.base.settings import settings

Purpose = Literal["key", "link", "session", "form", "webhook"]
SECRET_BYTES = 32
_MIN_PEPPER_CHARACTERS = 32


def new_secret() -> str:
    """32 random bytes as 43 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(SECRET_BYTES)


def has_pepper() -> bool:
    """Whether secrets can be made and known here."""
    return len(settings().key_pepper) >= _MIN_PEPPER_CHARACTERS


def keyed_hash(secret: str, purpose: Purpose) -> bytes:
    """The 32 bytes a secret is kept as; what is good for one purpose is not for another. Raises
    Unavailable without a pepper of 32 characters."""
    if not has_pepper():
        raise Unavailable(
            f"KEY_PEPPER não tem {_MIN_PEPPER_CHARACTERS} caracteres, então nenhuma chave ou "
            "sessão pode ser feita nem conferida. Nada foi mudado.",
            todo="'atalaia up' gera uma; noutra instalação defina KEY_PEPPER ou KEY_PEPPER_FILE, "
            "a mesma em todos os processos.",
        )
    return hmac.digest(
        settings().key_pepper.encode(), f"{purpose}:{secret}".encode(), hashlib.sha256
    )


def is_kept_as(secret: str, purpose: Purpose, kept: bytes) -> bool:
    """Whether `kept` is the hash of `secret`, in a time that tells nothing about either."""
    return hmac.compare_digest(keyed_hash(secret, purpose), kept)
