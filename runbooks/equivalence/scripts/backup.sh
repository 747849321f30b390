#!/usr/bin/env bash
# Backup do banco `equivalence` (manual, seção 8). A linha do manual dava a `docker compose cp` o
# identificador de um contêiner; ele espera o nome do serviço.
#   scripts/backup.sh [./backup.dump]
# Com PGHOST definido, fala com aquele servidor; sem, com o serviço postgres do compose daqui.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-./backup.dump}
partial=$target.partial
trap 'rm -f "$partial"' EXIT

if [ -n "${PGHOST:-}" ]; then
    pg_dump -U equivalence equivalence -Fc -f "$partial"
    pg_restore -l "$partial" > /dev/null
else
    docker compose exec -T postgres pg_dump -U equivalence equivalence -Fc -f /tmp/equiv_backup.dump
    docker compose exec -T postgres pg_restore -l /tmp/equiv_backup.dump > /dev/null
    docker compose cp postgres:/tmp/equiv_backup.dump "$partial"
fi
mv "$partial" "$target"
sha256sum "$target"
