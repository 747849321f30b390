"""The bundled reference data: real public files that let Atalaia work with no internet.

`data/bundle/datapackage.json` describes every file; `docs/data-bundle.md` says what is known to be
wrong with each. Bytes leave here as the source's own, and only after their SHA-256 agreed.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from atalaia.kernel.base.errors import NotFound, Tampered

_RESTORE = "Restore data/bundle from version control, or rebuild it with 'make bundle'."


@dataclass(frozen=True, slots=True)
class BundleResource:
    """One raw file of the bundle. (source, dataset, reference_period) names it, once.

    `path` is where the stored, usually compressed, bytes are; `raw_name`, `raw_bytes` and
    `raw_sha256` speak of the file as its package has it, at `package_file` inside the archive
    `package_archive`. `extracted_at` is the latest moment the package documents for it, in UTC.
    """

    name: str
    source: str
    dataset: str
    reference_period: str
    path: Path
    raw_name: str
    raw_sha256: str
    raw_bytes: int
    package_name: str
    package_version: str
    package_archive: str
    package_sha256: str
    package_file: str
    license: str
    extracted_at: datetime

    @property
    def package(self) -> dict[str, str]:
        """The package as a bronze manifest keeps it; `license` is the terms of the data."""
        return {
            "name": self.package_name,
            "version": self.package_version,
            "archive": self.package_archive,
            "sha256": self.package_sha256,
            "file": self.package_file,
            "license": self.license,
        }


def bundle_dir() -> Path:
    """`data/bundle` of the project this file belongs to. NotFound outside a project."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "pyproject.toml").exists():
            return folder / "data" / "bundle"
    raise NotFound("Atalaia was not started from its project folder, so it has no bundled data.")


def resources(folder: Path | None = None) -> list[BundleResource]:
    """Every raw file of the bundle in `folder` (default: the project's), ordered by name.

    Raises NotFound when there is no bundle, Tampered when its description cannot be read."""
    folder = folder or bundle_dir()
    try:
        described = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
        found = [_resource(item, folder) for item in described["resources"]]
    except FileNotFoundError as error:
        raise NotFound(f"There is no bundled data in {folder}.", todo=_RESTORE) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Tampered(f"{folder}/datapackage.json is damaged: {error}.", todo=_RESTORE) from error
    return sorted(found, key=lambda resource: resource.name)


def _resource(item: dict[str, Any], folder: Path) -> BundleResource:
    raw, package = item["raw"], item["package"]
    return BundleResource(
        name=item["name"],
        source=item["source"],
        dataset=item["dataset"],
        reference_period=item["reference_period"],
        path=folder / item["path"],
        raw_name=raw["name"],
        raw_sha256=raw["sha256"],
        raw_bytes=raw["bytes"],
        package_name=package["name"],
        package_version=package["version"],
        package_archive=package["archive"],
        package_sha256=package["sha256"],
        package_file=package["file"],
        license="; ".join(terms["title"] for terms in item["licenses"]),
        extracted_at=datetime.fromisoformat(item["extracted_at"]),
    )


def read_raw(resource: BundleResource) -> bytes:
    """The file's own bytes, decompressed. Tampered unless they have the recorded SHA-256."""
    try:
        stored = resource.path.read_bytes()
        raw = lzma.decompress(stored) if resource.path.suffix == ".xz" else stored
    except FileNotFoundError as error:
        raise Tampered(f"The bundled file {resource.path} is gone.", todo=_RESTORE) from error
    except lzma.LZMAError as error:
        raise Tampered(
            f"The bundled file {resource.path} cannot be decompressed: {error}.", todo=_RESTORE
        ) from error
    found = hashlib.sha256(raw).hexdigest()
    if found != resource.raw_sha256:
        raise Tampered(
            f"The bundled file {resource.path} has SHA-256 {found}, "
            f"not the recorded {resource.raw_sha256}. It was not used.",
            todo=_RESTORE,
        )
    return raw
