"""The bundled files as bronze: real payloads that were there before the first run.

Each keeps its origin: the registry package it came in, and the day the source published it. So a
number that stands on the bundle can be walked back to the bytes like any other.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from atalaia.domains.territory.bundle import BundleResource, read_raw, resources
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.bronze import Arrival


def seed_bundle(folder: Path | None = None) -> int:
    """Put every bundled file into bronze that is not there yet; returns how many were put.

    Doing it again changes nothing, and puts back a file that bronze lists but has lost. `folder`
    is the bundle's (default: the project's). Raises NotFound without a bundle, Tampered when a
    bundled file has other bytes than recorded, NoSpace."""
    missing = [resource for resource in resources(folder) if not _is_there(resource)]
    missing.sort(key=_extraction)
    for _, together in groupby(missing, key=_extraction):
        _store(list(together))
    return len(missing)


def _extraction(resource: BundleResource) -> tuple[str, str, str]:
    """Files of one extraction (the parts of a shapefile) enter bronze together."""
    return resource.source, resource.reference_period, resource.extracted_at.isoformat()


def _is_there(resource: BundleResource) -> bool:
    return bronze.holds(
        resource.source, resource.dataset, resource.reference_period, resource.raw_sha256
    )


def _store(together: list[BundleResource]) -> None:
    with ExitStack() as scratches:
        arrivals = []
        for resource in together:
            scratch = scratches.enter_context(bronze.scratch())
            scratch.write_bytes(read_raw(resource))
            arrivals.append(
                Arrival(
                    file=scratch,
                    source=resource.source,
                    dataset=resource.dataset,
                    reference_period=resource.reference_period,
                    filename=resource.raw_name,
                    package=resource.package,
                )
            )
        bronze.store_all(arrivals, together[0].extracted_at)
