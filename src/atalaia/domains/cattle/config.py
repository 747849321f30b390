"""The file the service is configured by: limits, service levels, folders, contacts.

It is CATTLE_CONFIG_FILE, else /etc/etl/config.json when there is one. What it does not say is as
in `defaults.json`; what it says otherwise than agreed is refused, with the place and without the
value, before anything starts.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import domain_file, settings
from atalaia.kernel.watch.contacts import Level, check_levels

USUAL = Path("/etc/etl/config.json")
DEFAULTS = Path(__file__).with_name("defaults.json")
Percent = Field(ge=0, le=100)
More = Field(gt=0)
ErrorClass = Literal["validation", "connection", "resource", "data"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Folders(_Part):
    """Where things are. `logs` of None is the folder 'etl' in LOG_DIR."""

    logs: Path | None
    backups: Path
    configuration: Path
    reports: Path


class Alerts(_Part):
    """Above each of these an alert is raised."""

    idle_minutes: float = More
    error_rate_percent: float = Percent
    error_window_minutes: float = More
    dlq_entries: int = Field(ge=0)
    slow_factor: float = Field(gt=1)
    slow_window_minutes: float = More  # what is compared with
    slow_baseline_days: float = More  # what is normal, from at least
    slow_baseline_files: int = Field(ge=1)  # so many files of a layout


class Dashboard(_Part):
    """When it is green, yellow or red. `near_sla_percent`: from this share of the time that the
    service level allows on, it is near."""

    window_hours: float = More
    green_above_percent: float = Percent
    red_below_percent: float = Percent
    near_sla_percent: float = Percent
    critical_error_classes: tuple[ErrorClass, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Dashboard:
        if self.red_below_percent > self.green_above_percent:
            raise ValueError("red_below_percent está acima de green_above_percent")
        return self


class Sla(_Part):
    """What was promised."""

    availability_percent: float = Percent
    processing_minutes: float = More
    processing_share_percent: float = Percent
    success_percent: float = Percent
    success_warning_percent: float = Percent
    recovery_minutes: float = More

    @model_validator(mode="after")
    def _in_order(self) -> Sla:
        if self.success_warning_percent > self.success_percent:
            raise ValueError("success_warning_percent está acima de success_percent")
        return self


class Retention(_Part):
    """How many days what is done stays before it is archived, and rotated logs are kept."""

    archive_days: int = Field(ge=1)
    log_days: int = Field(ge=1)


class Incidents(_Part):
    """What an incident is called in its texts, and how its channel begins; a day follows."""

    issue: str = Field(min_length=1)
    channel: str = Field(pattern=r"^#[a-z][a-z0-9-]*-$")


class Contacts(_Part):
    """Who is called, and when."""

    levels: tuple[Level, ...] = Field(min_length=1, max_length=9)

    @model_validator(mode="after")
    def _go_up(self) -> Contacts:
        check_levels(self.levels)
        return self


class Config(_Part):
    """The whole file."""

    folders: Folders
    alerts: Alerts
    dashboard: Dashboard
    sla: Sla
    retention: Retention
    incidents: Incidents
    contacts: Contacts

    @property
    def logs(self) -> Path:
        """The folder of the four log files."""
        return self.folders.logs or settings().log_dir / "etl"


def path() -> Path | None:
    """The file that is read; None when there are only the defaults."""
    return domain_file("cattle") or (USUAL if USUAL.exists() else None)


def read(file: Path | None) -> Config:
    """The configuration of `file`, what it leaves out as in the defaults. Raises UsageError."""
    given: Any = {}
    if file is not None:
        given = _json(file)
    try:
        return Config.model_validate(_merged(_json(DEFAULTS), given))
    except ValidationError as error:
        where = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'o arquivo'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise UsageError(
            f"{file} não tem a forma combinada, e nada foi iniciado. {where}",
            todo="docs/cattle-operations.md descreve cada campo.",
        ) from None


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{file} não pode ser lido ({type(error).__name__}), e nada foi iniciado.",
            todo="Corrija o caminho ou a permissão, ou deixe CATTLE_CONFIG_FILE vazia.",
        ) from error
    except (ValueError, RecursionError) as error:
        at = ""
        if isinstance(error, json.JSONDecodeError):
            at = f", linha {error.lineno}, coluna {error.colno}"
        raise UsageError(
            f"{file} não é JSON{at}, e nada foi iniciado.",
            todo=f"Confira com: python3 -m json.tool {file}",
        ) from None


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {name: _merged(below.get(name), value) for name, value in above.items()}


@cache
def config() -> Config:
    """The configuration of this process, read once."""
    return read(path())
