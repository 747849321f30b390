"""Every setting, typed, with its unit in its name. `docs/settings.md` lists the same.

Values come from the environment, then from `.env` in the project folder, then from what the
private servers wrote to `.atalaia/env` (so that commands work without exporting anything).
A secret may also come from a file: set `NAME_FILE` instead of `NAME`.
"""

from __future__ import annotations

import os
from functools import cache, cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from atalaia.kernel.base.errors import UsageError


def project_dir() -> Path:
    """The project folder: `ATALAIA_HOME`, else the nearest folder above this file with a
    pyproject.toml, else the working directory."""
    home = os.environ.get("ATALAIA_HOME")
    if home:
        return Path(home)
    for folder in Path(__file__).resolve().parents:
        if (folder / "pyproject.toml").exists():
            return folder
    return Path.cwd()


def state_dir() -> Path:
    """Where the private servers, their logs and `env` live: `ATALAIA_STATE_DIR`, else `.atalaia`
    in the project folder. A second instance on the same checkout has a state folder of its own."""
    own = os.environ.get("ATALAIA_STATE_DIR")
    return Path(own).resolve() if own else project_dir() / ".atalaia"


class Settings(BaseSettings):
    """The settings of one process. Field descriptions are the documentation."""

    model_config = SettingsConfigDict(extra="ignore", env_file_encoding="utf-8")

    env: str = Field(
        "development",
        description="production: a migration asks for a verified backup of that day",
    )
    database_url: str = Field("", description="libpq URL of PostgreSQL; the same psql takes")
    redis_url: str = Field("", description="Redis that wakes the workers")
    atalaia_url: str = Field("http://127.0.0.1:8000", description="where the API answers")
    atalaia_token: str = Field("", repr=False, description="the operator's key that commands use")
    data_dir: Path = Field(
        default_factory=lambda: project_dir() / "data",
        description="bronze, manual, reports and the bundled data",
    )
    audit_anchor_file: Path = Field(
        default_factory=lambda known: known["data_dir"] / "audit" / "anchors.ndjson",
        description="heads of the audit log kept outside the database; keep a copy elsewhere",
    )
    audit_anchor_key: str = Field(
        "", repr=False, description="secret that signs the anchors, 32 characters or more"
    )
    audit_anchor_seconds: int = Field(
        300, ge=1, description="how often the scheduler verifies what is new and anchors it"
    )
    key_pepper: str = Field(
        "",
        repr=False,
        description="secret that keys and sessions are hashed with, 32 characters or more; "
        "another one ends them all",
    )
    sign_in_minutes: int = Field(
        10, ge=1, le=1440, description="how long the link of `atalaia sign-in` is good for"
    )
    session_idle_minutes: int = Field(
        60, ge=1, description="a browser's session ends after so long without use"
    )
    session_hours: int = Field(12, ge=1, description="and after so long in any case")
    rate_limit_per_minute: int = Field(
        600, ge=1, description="requests one key or session may make, all processes together"
    )
    rate_limit_route_per_minute: int = Field(
        300, ge=1, description="of them on one route that has no limit of its own"
    )
    rate_limit_burst: int = Field(
        60, ge=1, description="how many of them may come at once, after a pause"
    )
    failed_keys_per_minute: int = Field(
        20, ge=1, description="wrong keys, links or cookies from one address"
    )
    live_listeners: int = Field(
        200, ge=1, description="open screens one API process tells of changes"
    )
    live_listeners_per_key: int = Field(
        10, ge=1, description="of them, those of one key or session"
    )
    trusted_proxies: str = Field(
        "",
        description="addresses or networks, by commas, whose X-Forwarded-For is believed",
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_dir: Path = Field(
        default_factory=lambda: state_dir() / "logs",
        description="where private servers and the API write their logs",
    )
    openlineage_url: str = Field(
        "", description="where OpenLineage events about runs are posted; empty: nowhere"
    )
    openlineage_file: str = Field("", description="file they are added to, one JSON a line")
    openlineage_namespace: str = Field("atalaia", description="of jobs and data sets in them")
    openlineage_key: str = Field("", repr=False, description="bearer key of that receiver")
    otel_exporter_otlp_endpoint: str = Field(
        "", description="where traces are posted (OTLP over HTTP, at /v1/traces); empty: nowhere"
    )
    otel_exporter_otlp_headers: str = Field(
        "", repr=False, description="headers of that receiver, by commas: name=value"
    )
    sentry_dsn: str = Field(
        "", repr=False, description="where what is logged as ERROR is reported; empty: nowhere"
    )
    pool_max_connections: int = Field(8, ge=1, description="connections one process may hold")
    statement_timeout_ms: int = Field(30_000, ge=0, description="limit of one API query")
    slow_query_ms: int = Field(
        1_000, ge=0, description="a query that takes so long is told as SLOW_QUERY; 0: none is"
    )
    lock_timeout_ms: int = Field(
        5_000, ge=0, description="how long an API query waits for what another one holds"
    )
    connect_timeout_seconds: int = Field(3, ge=1, description="limit of opening a connection")
    api_cache_max_bytes: int = Field(
        128_000_000, ge=0, description="rendered answers one API process keeps; 0 keeps none"
    )
    refresh_after_hours: int = Field(168, ge=0, description="age at which bronze is fetched again")
    source_timeout_seconds: float = Field(30.0, gt=0, description="limit of one source request")
    source_max_bytes: int = Field(2_000_000_000, gt=0, description="largest payload accepted")
    upload_max_bytes: int = Field(
        500_000_000, gt=0, description="largest file accepted from a person"
    )
    upload_max_unpacked_bytes: int = Field(
        2_000_000_000, gt=0, description="most such a file may be when unpacked"
    )
    webhook_timeout_seconds: float = Field(
        15.0, gt=0, description="limit of one attempt to deliver, from look-up to answer"
    )
    webhook_inside: str = Field(
        "",
        description="origins in the house or its network that webhooks may call, by commas: "
        "http://10.1.2.3:9000",
    )
    webhook_overlap_hours: int = Field(
        24, ge=0, description="how long both secrets of a webhook sign after a rotation"
    )
    smtp_host: str = Field("", description="the server that takes e-mail from us; empty: none")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="tls from the first byte (port 465); none only inside the house"
    )
    smtp_user: str = Field("", description="who signs in there; empty: nobody does")
    smtp_password: str = Field("", repr=False, description="and with what")
    smtp_from: str = Field("", description="whose name e-mail bears: avisos@exemplo.gov.br")
    ses_sender_email: str = Field(
        "", description="send by Amazon SES instead, with this sender (needs boto3)"
    )
    user_agent: str = Field(
        "Mozilla/5.0 (compatible; Atalaia)",
        description="some official hosts refuse anything but a browser",
    )
    http_client_timeout: float = Field(
        10.0,
        gt=0,
        description="seconds an embedding or language model may take, all calls of one "
        "answer together; then the next best reader serves",
    )
    embed_url: str = Field(
        "", description="service of embeddings (OpenAI's form); empty: the model that is installed"
    )
    embed_model: str = Field("", description="the model it is asked for")
    embed_key: str = Field("", repr=False, description="bearer key of that service")
    llm_url: str = Field(
        "", description="service of a language model (OpenAI's chat form); empty: none is used"
    )
    llm_model: str = Field("", description="the model it is asked for")
    llm_key: str = Field("", repr=False, description="bearer key of that service")
    watch_seconds: float = Field(
        10.0, gt=0, description="how often the scheduler asks the alert rules"
    )
    watch_queue_seconds: float = Field(
        300.0, gt=0, description="a due work item that waits longer raises an alert"
    )
    watch_queue_items: int = Field(
        10_000, ge=1, description="more due work items than this raise an alert"
    )
    watch_dead_letters_per_hour: int = Field(
        100, ge=0, description="more new dead letters of a domain in an hour raise an alert"
    )
    disk_high_percent: int = Field(
        90, ge=1, le=99, description="a disk used above this raises an alert"
    )
    heartbeat_url: str = Field(
        "",
        repr=False,
        description="an outside address asked after each good evaluation of the alert rules, which "
        "raises by itself when it is not (dead man's switch)",
    )
    heartbeat_seconds: float = Field(60.0, gt=0, description="how often it is asked")
    contacts_file: Path | None = Field(
        None,
        description="YAML or JSON file of who is called about an incident, and when; none: nobody",
    )

    @cached_property
    def webhook_origins(self) -> tuple[str, ...]:
        """WEBHOOK_INSIDE, one by one."""
        return tuple(filter(None, map(str.strip, self.webhook_inside.split(","))))

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for name in filter(None, map(str.strip, value.split(","))):
            ip_network(name, strict=False)
        return value

    @cached_property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """TRUSTED_PROXIES as networks."""
        names = (name.strip() for name in self.trusted_proxies.split(","))
        return tuple(ip_network(name, strict=False) for name in names if name)


def _with_secret_files() -> dict[str, str]:
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        path = os.environ.get(f"{name.upper()}_FILE")
        if path:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
    return values


@cache
def settings() -> Settings:
    """The settings of this process, read once. `settings.cache_clear()` reads them again."""
    home = project_dir()
    files = (state_dir() / "env", home / ".env")  # later files win, the environment wins all
    return Settings(_env_file=files, **_with_secret_files())  # type: ignore[arg-type]


def database_url() -> str:
    """The database's address; a clear error names the setting when it is missing."""
    url = settings().database_url
    if not url:
        raise UsageError(
            "DATABASE_URL não está definida, então não há banco com que falar.",
            todo="Rode 'make up' para servidores privados, ou exporte DATABASE_URL=postgresql://…",
        )
    return url


def domain_file(name: str) -> Path | None:
    """The file an operator configures a domain by, `<NAME>_CONFIG_FILE`, or None."""
    given = os.environ.get(f"{name.upper()}_CONFIG_FILE")
    return Path(given) if given else None


def source_override(name: str) -> str:
    """The address an operator gave a source by `SOURCE_<NAME>_BASE_URL`, or ''."""
    return os.environ.get(f"SOURCE_{name.upper()}_BASE_URL", "").rstrip("/")
