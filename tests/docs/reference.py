"""The reference pages that are made from the code: errors, settings, commands, the HTTP API …

python tests/docs/reference.py writes them again; a test fails when they are not up to date.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path
from typing import Any

import httpx
from pydantic_core import PydanticUndefined

from atalaia.kernel.base import errors
from atalaia.kernel.base.settings import Settings
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.doors import ACCESS_MARK, Rule
from atalaia.kernel.keep.keys import ROLES
from atalaia.kernel.watch import severity
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.serve.api import app
from atalaia.serve.cli.app import ENTRIES, _load

DOCS = Path(__file__).resolve().parents[2] / "docs"


def errors_page() -> str:
    """`docs/errors.md`: every class of errors.CATALOGUE."""
    lines = [
        "# Errors",
        "",
        "Made from `kernel/base/errors.py` by `tests/docs/reference.py`. Over HTTP an error is",
        "`application/problem+json` (RFC 9457) with this type, status and title, and a `trace_id`",
        "to quote; on the command line it is one message and this exit code, never a traceback.",
        "",
        "| class | type | HTTP | exit | retried | title | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for cls, outcome in errors.CATALOGUE.items():
        meaning = (inspect.getdoc(cls) or "").splitlines()[0]
        retried = "yes" if cls.retryable else "no"
        lines.append(
            f"| `{cls.__name__}` | `/problems/{outcome.slug}` | {outcome.status} "
            f"| {outcome.exit_code} | {retried} | {outcome.title} | {meaning} |"
        )
    lines += [
        "",
        "Exit codes: 0 OK · 1 warning · 2 critical · 64 usage · 130 interrupted · 141 nobody reads",
        "the output.",
    ]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """`docs/settings.md`: every field of Settings."""
    lines = [
        "# Settings",
        "",
        "Made from `kernel/base/settings.py` by `tests/docs/reference.py`. A value comes from the",
        "environment, else from `.env` in the project folder, else from what the private servers",
        "wrote; `NAME_FILE` instead of `NAME` reads it from a file: that is how to give secrets.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        lines.append(
            f"| `{name.upper()}` | {_default(name, field.default)} | {field.description} |"
        )
    lines += [
        "",
        "Besides: `SOURCE_<NAME>_BASE_URL` moves a source's address; `<DOMAIN>_CONFIG_FILE` is the",
        "file a domain that has one is configured by; `ATALAIA_HOME` is the project",
        "folder and `ATALAIA_STATE_DIR` where the private servers live (`.atalaia`);",
        "`ATALAIA_PORT` is the API's port (8000; 0: any free one) and `ATALAIA_ACTOR` who the",
        "ledger says acted.",
    ]
    return "\n".join(lines) + "\n"


def _default(name: str, value: object) -> str:
    if value is PydanticUndefined:
        return {
            "data_dir": "`data`",
            "log_dir": "`.atalaia/logs`",
            "audit_anchor_file": "`audit/anchors.ndjson` in `DATA_DIR`",
        }[name]
    return f"`{value}`" if value != "" else "none"


def api_page() -> str:
    """`docs/api.md`: every operation of the API, as its OpenAPI document tells it."""
    lines = [
        "# HTTP API",
        "",
        "Made from `/openapi.json`, which has every field, by `tests/docs/reference.py`. Lists are",
        "`{items, count, …}`; errors are those of [errors.md](errors.md). A key goes as",
        "`Authorization: Bearer KEY` or `X-API-Key: KEY`. Public reads are kept by data version:",
        "weak `ETag`, 304, `Cache-Control: public, max-age=300`. `access` is the least role; by",
        "role, tenant and operation it is all in [access-matrix.md](access-matrix.md).",
        "",
        "| path | access | parameters | what |",
        "|---|---|---|---|",
    ]
    for path, methods in asyncio.run(_openapi())["paths"].items():
        for method, operation in methods.items():
            verb = "" if method == "get" else f"{method.upper()} "
            rule = operation.get(ACCESS_MARK)
            access = rule["least"] if rule else "open"
            if operation.get("x-atalaia-public"):
                access = "open, kept"
            named = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            parameters = " ".join(f"`{name}`" for name in named) or "–"
            what = _in_a_cell(operation.get("description") or operation["summary"])
            lines.append(f"| `{verb}{path}` | {access} | {parameters} | {what} |")
    return "\n".join(lines) + "\n"


def matrix_page() -> str:
    """`docs/access-matrix.md`: every operation by every role, as its OpenAPI document tells it."""
    lines = [
        "# Who may what",
        "",
        "Made from `/openapi.json` by `tests/docs/reference.py`; `tests/serve/api/test_matrix.py`",
        "tries every cell. *yes*: let in. *own*: let in, and sees only what is of the own tenant;",
        "what is not is 404, like what never was. A number is the refusal. The last column is a",
        "key or session of another tenant than the house, with a role that would do.",
        "",
        f"| operation | no key | {' | '.join(ROLES)} | other tenant |",
        "|---|" + "---|" * (len(ROLES) + 2),
    ]
    for path, methods in asyncio.run(_openapi())["paths"].items():
        for method, operation in methods.items():
            told = operation.get(ACCESS_MARK)
            cells = _cells(Rule(**told)) if told else ["yes"] * (len(ROLES) + 2)
            lines.append(f"| `{method.upper()} {path}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cells(rule: Rule) -> list[str]:
    seen = "own" if rule.own else "yes"
    house = [seen if rule.lets(role, DEFAULT_TENANT) else "403" for role in ROLES]
    return ["401", *house, "own" if rule.own else "403"]


def _in_a_cell(text: str) -> str:
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.replace("|", "\\|")


async def _openapi() -> dict[str, Any]:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://atalaia") as client:
        described: dict[str, Any] = (await client.get("/openapi.json")).json()
        return described


def cli_page() -> str:
    """`docs/cli.md`: every command, with its arguments and options, as `--help` tells it."""
    lines = [
        "# Commands",
        "",
        "Made from the commands themselves by `tests/docs/reference.py`; they speak Portuguese,",
        "and `atalaia COMMAND --help` says more. `*`: must be given. Progress goes to stderr; the",
        "answer is `--format table|json|csv|ndjson` (NDJSON when piped). What changes something",
        "takes `--reason`, kept with who did it. Exit codes: 0 OK · 1 warning · 2 critical · 64",
        "usage.",
    ]
    panel = ""
    for entry in ENTRIES:
        if entry.panel != panel:
            panel = entry.panel
            lines += ["", f"## {panel}", "", "| command | options | what |", "|---|---|---|"]
        lines += _commands(f"atalaia {entry.name}", _load(entry.name, entry.target, entry.help))
    return "\n".join(lines) + "\n"


def _commands(name: str, command: Any) -> list[str]:
    if hasattr(command, "commands"):
        below = command.commands.items()
        return [line for one, found in below for line in _commands(f"{name} {one}", found)]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one not in arguments and one.name != "help"]
    named = " ".join([name, *(one.name.upper() for one in arguments)])
    told = " ".join(f"`{one.opts[0]}`{'*' if one.required else ''}" for one in options) or "–"
    return [f"| `{named}` | {told} | {_in_a_cell(command.help or '')} |"]


def alerts_page() -> str:
    """`docs/alerts.md`: how alerts behave, the severity scale, and every rule of the platform."""
    lines = [
        _ALERTS,
        "## Severity",
        "",
        "One scale inside; each system's screens and texts show its own ladder's names.",
        "",
        "| ours | SEV | P | critical/high/normal | on screen |",
        "|---|---|---|---|---|",
        *(
            f"| `{step}` | {n.sev} | {n.p} | {n.level} | {n.word} |"
            for step, n in severity.NAMES.items()
        ),
        "",
        "## The platform's rules",
        "",
        "`kernel/watch/platform_rules.py`. A domain brings its own in `Domain.alerts`:",
        "those of Conecta Boi are in [its operations](cattle-operations.md).",
        "",
        "| rule | fires when | severity | owner | runbook | follows from |",
        "|---|---|---|---|---|---|",
        *(
            f"| `{rule.id}` | {rule.fires} | {rule.severity} | {rule.owner} | `{rule.runbook}` "
            f"| {', '.join(f'`{one}`' for one in rule.depends_on) or '–'} |"
            for rule in RULES
        ),
    ]
    return "\n".join(lines) + "\n"


_ALERTS = """# Alerts

Made by `tests/docs/reference.py`; the table of rules from the code.

The scheduler asks every rule each `WATCH_SECONDS`. A rule measures a number of each subject (a
source, a job, a disk) and has a limit: at the limit all is well, above it the rule fires. A rule
that cannot ask says *unknown* of what it watches, never *ok*, and stops no other. States: `ok`,
`late`, `failed`, `unknown`; what is silenced shows as `silenced`.

- **One open alert per cause** (rule and subject; a unique index holds it). It counts how often the
  cause came back, and keeps when it was first and last seen.
- **Told once**, again when it gets worse, and each cooldown (60 minutes) while nobody acknowledged
  one that is high or critical; told again when it is over. What comes back within the cooldown is
  the same alert and is not told anew. Events: `alert.opened`, `alert.escalated`, `alert.reminded`,
  `alert.resolved`; who hears them, the channels say. One that could not be
  announced stays open and shown, and is told in the next round that can.
- **Flapping**: what turns four times in an hour stays open until it held still for 15 minutes.
- **Unknown** for ten minutes opens an alert too: not knowing is a trouble of its own.
- **Dependency**: what follows from an alert that is open (the last column) is shown as following
  from it and not told; when the cause is over and it still holds, it is told.
- **Acknowledge** (`atalaia alerts ack ID --reason …`): somebody is at it; no reminders until it is
  over, or until `--until`. **Silence**: nobody is told until then. Both are in the audit log.
- **Maintenance** (`atalaia maintenance add …`): alerts of the window are kept and shown as
  silenced; checks go on; runs that begin in it are left out of the SLOs. What still holds when the
  window ends is told then.
- **Runbook**: every alert names one, with its arguments filled in from what was found.

Who watches the watch: `atalaia watchdog`, for cron, reads two files and needs no database; it ends
with 2 when the scheduler or its rounds are silent for 90 s, or a round failed. While the database
is away no alert can be kept: the watchdog says so within a round, and the alert is there once it is
back. `HEARTBEAT_URL` is asked each `HEARTBEAT_SECONDS` after a good round, so that an outside
service raises when this whole machine is gone.

```
* * * * *  atalaia watchdog --format json || mail -s "Atalaia: ninguém vigia" plantao@…
```

What a restart of the scheduler forgets: how long Redis, the API or the workers were silent (it is
counted anew), and which server process of PostgreSQL it saw last.
"""


PAGES = {
    "alerts.md": alerts_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
    "api.md": api_page,
    "cli.md": cli_page,
    "access-matrix.md": matrix_page,
}


def main() -> int:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
