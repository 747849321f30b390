#!/usr/bin/env bash
# Apaga tudo e sobe de novo (manual, seção 7): só em desenvolvimento, e só quem confirma duas vezes.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${ENV:-development}" = production ]; then
    echo "ENV=production: recusado. Nada foi apagado." >&2
    exit 2
fi
read -r -p "Isto apaga o banco e os dados. Escreva 'apagar': " first
read -r -p "De novo, o nome do banco: " second
if [ "$first" != apagar ] || [ "$second" != equivalence ]; then
    echo "Nada foi apagado." >&2
    exit 1
fi
docker compose down -v
docker compose up -d --build
