"""What an institution has on the first day: taxonomies of three areas and two policies."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from atalaia.kernel.match.subjects import Policy, Taxonomy

_HERE = Path(__file__).parent
_POLICIES = "politicas.yml"


@cache
def taxonomies() -> dict[str, Taxonomy]:
    """The bundled taxonomies by their areas."""
    files = sorted(path for path in _HERE.glob("*.yml") if path.name != _POLICIES)
    found = [Taxonomy.from_dict(_read(path)) for path in files]
    return {taxonomy.area: taxonomy for taxonomy in found}


@cache
def policies() -> dict[str, Policy]:
    """The bundled policies by their codes; the default one is first."""
    said = _read(_HERE / _POLICIES)
    found = {one["code"]: Policy.from_dict(one) for one in said["policies"]}
    default = said["default"]
    return {default: found.pop(default), **found}


def _read(path: Path) -> Any:
    # By libyaml, as safe as safe_load: read in Python, it was a good part of every start.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
