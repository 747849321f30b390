"""The platform's own alert rules: the first users of what any domain may bring (`Domain.alerts`).

docs/alerts.md has them as a table, made from here.
"""

from __future__ import annotations

from atalaia.kernel.watch import certificates, losses, measures, nearby
from atalaia.kernel.watch.rules import Rule
from atalaia.kernel.watch.severity import Severity

PLATFORM, DATA = "plataforma", "dados"  # owners: who keeps the servers, who keeps the data
_LOW, _NORMAL, _HIGH, _CRITICAL = Severity

RULES = (
    Rule(
        id="database-restarted",
        title="O banco de dados reiniciou ou ficou fora",
        fires="o PostgreSQL reiniciou, ou deixou de atender, nos últimos 5 minutos; enquanto está "
        "fora, quem avisa é 'atalaia watchdog' e o endereço de HEARTBEAT_URL que para de ser "
        "chamado",
        owner=PLATFORM,
        severity=_HIGH,
        runbook="platform/database-restarted",
        measure=nearby.database_restarted,
    ),
    Rule(
        id="redis-lost",
        title="O Redis não responde",
        fires="sem resposta há mais de 5 s",
        owner=PLATFORM,
        severity=_HIGH,
        runbook="platform/redis-lost",
        measure=nearby.redis_lost,
    ),
    Rule(
        id="worker-dead",
        title="Nenhum worker trabalha",
        fires="nenhum worker dá sinal há mais de 50 s (mais de 5 s quando o processo, nesta "
        "máquina, não existe mais)",
        owner=PLATFORM,
        severity=_HIGH,
        runbook="platform/worker-dead",
        measure=nearby.worker_dead,
        depends_on=("redis-lost",),
    ),
    Rule(
        id="queue-growing",
        title="A fila cresce: {subject}",
        fires="o trabalho mais velho espera há mais de WATCH_QUEUE_SECONDS, ou esperam mais de "
        "WATCH_QUEUE_ITEMS",
        owner=PLATFORM,
        severity=_NORMAL,
        runbook="platform/queue-growing",
        measure=measures.queue_growing,
        depends_on=("worker-dead", "redis-lost"),
    ),
    Rule(
        id="disk-full",
        title="Disco quase cheio: {subject}",
        fires="usado acima de DISK_HIGH_PERCENT; crítico acima do ponto médio entre isso e 100 %",
        owner=PLATFORM,
        severity=_HIGH,
        runbook="platform/disk-full",
        measure=nearby.disk_full,
    ),
    Rule(
        id="api-down",
        title="A API não responde",
        fires="sem resposta boa em /livez há mais de 15 s",
        owner=PLATFORM,
        severity=_CRITICAL,
        runbook="platform/api-slow",
        measure=nearby.api_down,
    ),
    Rule(
        id="api-slow",
        title="A API responde devagar",
        fires="mais de 5 % das respostas dos últimos 5 minutos levaram mais de 1,5 s (de 20 ou "
        "mais respostas)",
        owner=PLATFORM,
        severity=_NORMAL,
        runbook="platform/api-slow",
        measure=nearby.api_slow,
        depends_on=("api-down", "database-restarted"),
    ),
    Rule(
        id="api-errors",
        title="A API responde com erros",
        fires="mais de 5 % das respostas dos últimos 5 minutos foram 5xx (de 20 ou mais respostas)",
        owner=PLATFORM,
        severity=_HIGH,
        runbook="platform/api-slow",
        measure=nearby.api_errors,
        depends_on=("api-down", "database-restarted"),
    ),
    Rule(
        id="certificate-refused",
        title="O certificado da fonte não é confiável: {subject}",
        fires="a última execução terminou porque o certificado da fonte venceu, é de outro "
        "endereço ou ninguém responde por ele",
        owner=DATA,
        severity=_NORMAL,
        runbook="platform/certificate",
        measure=certificates.certificate_refused,
    ),
    Rule(
        id="certificate-changing",
        title="O certificado da fonte vence ou mudou: {subject}",
        fires="o certificado que a fonte mostrou por último vale por menos de 7 dias; ou, por três "
        "dias, foi trocado quando o de antes ainda valia por mais de 45",
        owner=DATA,
        severity=_LOW,
        runbook="platform/certificate",
        measure=certificates.certificate_changing,
        depends_on=("certificate-refused",),
    ),
    Rule(
        id="source-failed",
        title="A fonte falhou: {subject}",
        fires="a última execução terminou com o veredito 'a fonte falhou'; alta a partir da "
        "terceira seguida",
        owner=DATA,
        severity=_NORMAL,
        severe=_HIGH,
        runbook="platform/source-failed",
        measure=measures.source_failed,
        depends_on=("certificate-refused",),
    ),
    Rule(
        id="source-late",
        title="A fonte está atrasada: {subject}",
        fires="a última execução com sucesso é mais velha que o prazo da fonte "
        "(refresh_after_hours) e um dia",
        owner=DATA,
        severity=_LOW,
        runbook="platform/source-failed",
        measure=measures.source_late,
        depends_on=("source-failed", "run-failing"),
    ),
    Rule(
        id="run-failing",
        title="O job falha: {subject}",
        fires="a última execução falhou por nossa causa; alta a partir da terceira seguida",
        owner=DATA,
        severity=_LOW,
        severe=_HIGH,
        runbook="platform/daily-check",
        measure=measures.run_failing,
        depends_on=("database-restarted", "disk-full"),
    ),
    Rule(
        id="dead-letters-growing",
        title="Linhas postas de lado: {subject}",
        fires="mais de WATCH_DEAD_LETTERS_PER_HOUR linhas postas de lado na última hora, por "
        "domínio, ainda sem decisão; as dos dados embarcados, que 'up' carrega, não contam",
        owner=DATA,
        severity=_NORMAL,
        runbook="platform/dead-letters-growing",
        measure=measures.dead_letters_growing,
    ),
    Rule(
        id="check-failing",
        title="Uma verificação falha: {subject}",
        fires="há ação corretiva aberta da verificação: ela falhou e ainda não passou de novo",
        owner=DATA,
        severity=_HIGH,
        runbook="platform/daily-check",
        measure=measures.check_failing,
    ),
    Rule(
        id="slo-burning",
        title="O orçamento de erro acaba: {subject}",
        fires="gasto acima de 75 % do orçamento de 7 dias (para o SLO-3, qualquer execução sem "
        "check); alta acima de 100 %. Execuções sem dado por culpa da fonte não contam",
        owner=DATA,
        severity=_NORMAL,
        severe=_HIGH,
        runbook="platform/daily-check",
        measure=measures.slo_burning,
        depends_on=("run-failing",),
    ),
    Rule(
        id="backup-late",
        title="Sem backup verificado recente",
        fires="o backup verificado mais novo (ou, sem nenhum, a primeira execução) tem mais de 24 "
        "horas; crítica acima de 72",
        owner=PLATFORM,
        severity=_HIGH,
        runbook="platform/backup-late",
        measure=measures.backup_late,
    ),
    Rule(
        id="tables-gone",
        title="Sumiram tabelas que o backup tem",
        fires="falta uma tabela que o backup verificado mais novo, deste mesmo esquema, tem",
        owner=PLATFORM,
        severity=_CRITICAL,
        runbook="platform/restore",
        measure=losses.tables_gone,
    ),
    Rule(
        id="audit-broken",
        title="A auditoria não confere",
        fires="uma cadeia, uma âncora ou a proteção da tabela não confere",
        owner=PLATFORM,
        severity=_CRITICAL,
        runbook="platform/audit-broken",
        measure=measures.audit_broken,
        every_seconds=30,
    ),
    Rule(
        id="anchor-late",
        title="A auditoria deixou de ser ancorada",
        fires="as âncoras são mais velhas que três vezes AUDIT_ANCHOR_SECONDS",
        owner=PLATFORM,
        severity=_NORMAL,
        runbook="platform/audit-broken",
        measure=measures.anchor_late,
        depends_on=("audit-broken",),
    ),
    Rule(
        id="delivery-exhausted",
        title="Entregas que não chegaram: {subject}",
        fires="há entregas do canal, das últimas 24 horas, das quais se desistiu",
        owner=PLATFORM,
        severity=_NORMAL,
        runbook="platform/delivery-failing",
        measure=measures.delivery_exhausted,
    ),
)
