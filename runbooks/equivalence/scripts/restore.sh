#!/usr/bin/env bash
# Volta um backup ao banco `equivalence` (manual, seção 8), inteiro ou nada: o código de saída é o
# veredito. A linha do manual lia um arquivo que não estava no contêiner, e `--clean` sem
# `--if-exists` falha num banco vazio.
#   scripts/restore.sh ./backup.dump
set -euo pipefail
cd "$(dirname "$0")/.."
file=${1:?diga o arquivo: scripts/restore.sh ./backup.dump}
options=(-U equivalence -d equivalence --clean --if-exists --single-transaction --exit-on-error)
# Um dump não tem o que se disse do banco com ALTER DATABASE: o caminho dos esquemas.
path="ALTER DATABASE equivalence SET search_path = ops, silver, gold, etl, equivalence, market, procurement, compat, public"

if [ -n "${PGHOST:-}" ]; then
    pg_restore -l "$file" > /dev/null
    pg_restore "${options[@]}" "$file"
    psql -qX -v ON_ERROR_STOP=1 -U equivalence -d equivalence -c "$path"
else
    docker compose cp "$file" postgres:/tmp/backup.dump
    docker compose exec -T postgres pg_restore -l /tmp/backup.dump > /dev/null
    docker compose exec -T postgres pg_restore "${options[@]}" /tmp/backup.dump
    docker compose exec -T postgres psql -qX -v ON_ERROR_STOP=1 -U equivalence -d equivalence -c "$path"
fi
echo "restaurado: $file"
echo "confira a auditoria: atalaia audit verify"
