"""Texts that do something where a text is taken for more than a text: SQL, commands, paths,
headers, templates, HTML, queries of other databases. What each would do can be seen, and is looked
for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.rows import tuple_row

from atalaia.kernel.base.database import connect

SLEEPS = 6  # seconds, of what waits
PRODUCT = str(71_933 * 7_919)  # what a template that is evaluated says
HEADER, WORD = "x-injected", "INJ3CTED"
_PASSWD = "root:x:0:"
_ENDS = ("'", "')", "'))", '"', '")', "$$", "", "0", "\\'", "%27", "'||'", "*/")
_DEEDS = (
    "; DROP TABLE silver.injected --",
    "; DELETE FROM silver.injected --",
    f"; UPDATE silver.injected SET a = '{WORD}' --",
    f"; INSERT INTO silver.injected VALUES ('{WORD}') --",
    f"; CREATE TABLE public.{WORD.lower()} (a text) --",
    f"; CREATE ROLE {WORD.lower()} SUPERUSER --",
    f"; SELECT pg_sleep({SLEEPS}) --",
    f" OR (SELECT 1 FROM pg_sleep({SLEEPS})) IS NOT NULL --",
    f" AND 1 = (SELECT 1 FROM pg_sleep({SLEEPS})) --",
    f" UNION SELECT pg_sleep({SLEEPS})::text --",
    "; COPY silver.injected TO PROGRAM 'touch {marker}' --",
    " OR '1'='1' --",
    " UNION SELECT version() --",
)
_COMMANDS = (
    "; touch {marker}", "| touch {marker}", "|| touch {marker}", "&& touch {marker}",
    "& touch {marker} &", "$(touch {marker})", "`touch {marker}`", "\n touch {marker}\n",
    "'; touch {marker}; '", '"; touch {marker}; "', "%0atouch {marker}", "${{IFS}}touch {marker}",
    "x\x00; touch {marker}", ">{marker}", "<(touch {marker})", "--output={marker}",
    "--config={marker}", "-oProxyCommand=touch {marker}", f"; sleep {SLEEPS}",
    f"$(sleep {SLEEPS})", f"`sleep {SLEEPS}`", f"| sleep {SLEEPS}", f"& ping -c {SLEEPS} ::1 &",
    "__import__('os').system('touch {marker}')", "eval('touch {marker}')", "!touch {marker}",
    "@{marker}", "=cmd|'/c touch {marker}'!A0", "() {{ :; }}; touch {marker}",
    '#{{`touch {marker}`}}', "<%= `touch {marker}` %>",
)  # fmt: skip
_UPS = ("../", "..\\", "..%2f", "%2e%2e/", "%252e%252e%252f", "....//", "..;/", ".%00./",
        "\u2025/", "..%c0%af")  # fmt: skip
_FILES = ("etc/passwd", "etc/passwd%00.png", "etc/passwd\x00", "proc/self/environ",
          "proc/self/cmdline")  # fmt: skip
_BREAKS = ("\r\n", "\n", "\r", "%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "\u560a\u560d",
           "\u2028", "\x85", "\\r\\n", "%250d%250a")  # fmt: skip
_AFTER = (f"{HEADER}: 1", f"Set-Cookie: {HEADER}=1", f"Location: http://127.0.0.1:9/{HEADER}",
          "Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<script>")  # fmt: skip
_TEMPLATES = ("{{{{{}}}}}", "${{{}}}", "#{{{}}}", "<%= {} %>", "{{% print({}) %}}", "${{{{{}}}}}",
              "[[${{{}}}]]", "*{{{}}}", "@({})", "{{{{= {} }}}}")  # fmt: skip
HTML = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "</title><script>x</script>",
    "</textarea><svg onload=alert(1)>", "<iframe src=javascript:alert(1)>", "<body onload=x()>",
    "<a href=javascript:alert(1)>x</a>", "<!--<script>x</script>-->", "<math><mi/xlink:href=x>",
    "<ScRiPt>alert(1)</sCrIpT>", "<style>@import'//x';</style>", "<base href=//x/>",
    "<meta http-equiv=refresh content=0;url=//x>", "<object data=//x>", "<embed src=//x>",
    "<form action=//x><input type=submit>", "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>", "<x/onclick=alert(1)>x</x>", "]]><script>x</script>",
)  # fmt: skip
_OTHERS = (
    '{"$gt": ""}', '{"$ne": null}', '{"$where": "sleep(6000)"}', "'; return true; var x='",
    "[$ne]=1", "true, $where: '1 == 1'", "*)(uid=*))(|(uid=*", "*)(|(&", "admin)(&)", "(cn=*)",
    "' or '1'='1", "' or count(/*)>0 or '", "//*", "x' or name()='a", "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "FLUSHALL\r\n", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "EVAL 'return 1' 0", "%s%s%s%s%n", "%x%x%x%x",
    "{0.__class__.__mro__}", "{self.__init__.__globals__}", "${jndi:ldap://127.0.0.1:9/a}",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "http://127.0.0.1:9/",
    "\\\\127.0.0.1\\x", "data:text/html,<script>x</script>", "javascript:alert(1)",
    "\u202etxt.exe", "\ufeff", "\x00",
    "A" * 5_000, "9" * 400, "1e999", "-0", "NaN", "null", "undefined", "true", "\U0001f600" * 50,
    "İ" * 100, "\x1b[2J\x1b]0;x\x07", "%", "%%", "%zz", "\\", "\\\\", "'", '"', "''", '""', ";",
    "--", "/*", "*", "_%", "a\tb", "(" * 200, "[" * 200, "(a+)+$", "^(a|a)*$" + "a" * 60,
)  # fmt: skip


def texts(marker: Path) -> list[str]:
    """All of them; those that run a command make the file `marker`."""
    found = [end + deed for end in _ENDS for deed in _DEEDS]
    found += list(_COMMANDS)
    found += [up * depth + file for up in _UPS for depth in (6,) for file in _FILES]
    found += ["/" + file for file in _FILES]
    found += [f"x{cut}{after}" for cut in _BREAKS for after in _AFTER]
    found = [one.replace("{{", "{").replace("}}", "}").replace("{marker}", str(marker))
             for one in found]  # fmt: skip
    found += [shape.format("71933*7919") for shape in _TEMPLATES]
    return list(dict.fromkeys([*found, *HTML, *_OTHERS]))


@dataclass(frozen=True, slots=True)
class Ground:
    """What an injection would change: rows of a table nobody writes to, the tables, functions and
    roles there are, a file."""

    marker: Path

    def lay(self) -> None:
        """The table nobody writes to."""
        with connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS silver.injected (a text)")
            connection.execute("TRUNCATE silver.injected")
            connection.execute("INSERT INTO silver.injected VALUES ('whole')")

    def seen(self) -> list[Any]:
        """As it is now."""
        with connect(autocommit=True, row_factory=tuple_row) as connection:
            there = connection.execute(
                """SELECT n.nspname || '.' || c.relname
                   FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                   WHERE n.nspname NOT LIKE 'pg\\_%' ORDER BY 1"""
            ).fetchall()
            rows = ("silver.injected",) in there and connection.execute(
                "SELECT a FROM silver.injected"
            ).fetchall()
            roles = connection.execute("SELECT rolname FROM pg_roles ORDER BY 1").fetchall()
        return [rows, there, roles, self.marker.exists()]


def told(answer: Any, text: str) -> Iterator[str]:
    """What an answer gives away of a text that was taken for more than one."""
    if answer.status_code >= 500:
        yield f"HTTP {answer.status_code}"
    if HEADER in answer.headers or HEADER in answer.headers.get("set-cookie", ""):
        yield "a header of its own"
    if HEADER in answer.headers.get("location", ""):
        yield "another place to go"
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return
    if PRODUCT in answer.text:
        yield "a template's result"
    if _PASSWD in answer.text:
        yield "a file of the machine"
    if "html" in kind and text in HTML and text in answer.text:
        yield "HTML as it was typed"
    if "json" in kind and answer.headers.get("x-content-type-options") != "nosniff":
        yield "JSON that a browser may take for HTML"
