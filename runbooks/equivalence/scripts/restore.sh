#!/usr/bin/env bash
# Volta um backup ao banco `equivalence` (manual, seção 8), inteiro ou nada: o código de saída é o
# veredito. A linha do manual lia um arquivo que não estava no contêiner, e `--clean` falha num banco
# vazio: sem `--if-exists`, no que não há para apagar; com ele, numa visão que depende de si (o dump a
# recria antes de apagar). Por isso `--clean` só vai onde há o que apagar.
#   scripts/restore.sh ./backup.dump
# Com PGHOST definido, fala com aquele servidor; sem, com o serviço postgres do compose daqui.
set -euo pipefail
cd "$(dirname "$0")/.."
file=${1:?diga o arquivo: scripts/restore.sh ./backup.dump}
here=()
if [ -z "${PGHOST:-}" ]; then
    docker compose cp "$file" postgres:/tmp/backup.dump
    here=(docker compose exec -T postgres)
    file=/tmp/backup.dump
fi
"${here[@]}" pg_restore -l "$file" > /dev/null

sql=("${here[@]}" psql -qAtX -v ON_ERROR_STOP=1 -U equivalence -d equivalence -c)
clean=()
if [ "$("${sql[@]}" "SELECT to_regnamespace('ops') IS NOT NULL")" = t ]; then
    clean=(--clean --if-exists)
fi
"${here[@]}" pg_restore -U equivalence -d equivalence "${clean[@]}" \
    --single-transaction --exit-on-error "$file"
# Um dump não tem o que se disse do banco com ALTER DATABASE: o caminho dos esquemas.
"${sql[@]}" "ALTER DATABASE equivalence SET search_path = ops, silver, gold, etl, equivalence, market, procurement, compat, public"
echo "restaurado: $file"
echo "confira a auditoria: atalaia audit verify"
