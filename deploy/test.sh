#!/usr/bin/env bash
# Runs the named sets of tests, all of them even when one fails, and says at the end which did.
#
#   deploy/test.sh SET…      check    linters, types, imports
#                            front    vitest
#                            browser  Playwright, against an instance of its own on free ports
#                            python   pytest, on WORKERS workers (3)
set -uo pipefail
cd "$(dirname "$0")/.."
command -v npm >/dev/null || export PATH="$PWD/.venv/bin:$PATH"
results=$PWD/.atalaia/test-results
mkdir -p "$results"
# Tests start Python some two hundred times: it is compiled once, whatever the environment says.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$PWD/.atalaia/pycache

check() {
    local code=0
    .venv/bin/ruff check . || code=1
    .venv/bin/ruff format --check . || code=1
    .venv/bin/mypy || code=1
    .venv/bin/lint-imports --no-logo 2>/dev/null || .venv/bin/lint-imports || code=1
    (cd frontend && npm run check) || code=1
    return $code
}

front() {
    local code=0
    rm -f "$results/vitest.json"
    (cd frontend && npx vitest run --reporter=default --reporter=json \
        --outputFile.json="$results/vitest.json") || code=1
    remember vitest
    return $code
}

# The instance is this script's alone: its servers, its data and its ports are gone afterwards.
browser() (
    home=$(mktemp -d)
    export ATALAIA_STATE_DIR=$home/state DATA_DIR=$home/data ATALAIA_PORT=0 DATABASE_URL='' REDIS_URL=''
    unset ATALAIA_URL ATALAIA_TOKEN
    trap '.venv/bin/atalaia down; rm -rf "$home"' EXIT
    .venv/bin/atalaia up --format json >/dev/null || exit 1
    eval "$(env -u DATABASE_URL -u REDIS_URL .venv/bin/atalaia env)"
    rm -f "$results/playwright.json"
    code=0
    (cd frontend && PLAYWRIGHT_JSON_OUTPUT_NAME="$results/playwright.json" \
        CHROMIUM_PATH="$(command -v chromium)" npx playwright test --reporter=list,json) || code=1
    remember playwright
    exit $code
)

python() { .venv/bin/python -m pytest -n "${WORKERS:-3}" --durations=15 --durations-min=3; }

# Row results of the front end go where the conformance report looks for them.
remember() {
    [ ! -e "$results/$1.json" ] ||
        python3 tests/conformance/report.py --record "$1" "$results/$1.json"
}

failed=()
for set in "$@"; do
    printf '\n== %s\n' "$set"
    began=$SECONDS
    "$set" 2>&1 | tee "$results/$set.log" || failed+=("$set")
    printf '== %s: %d s\n' "$set" $((SECONDS - began))
done
[ ${#failed[@]} = 0 ] && exit 0
# What went wrong is said again at the end: the sets after it may have printed for minutes.
for set in "${failed[@]}"; do
    printf '\n== %s failed, its last lines:\n' "$set" >&2
    tail -n 60 "$results/$set.log" >&2
done
printf '\nFalharam: %s\n' "${failed[*]}" >&2
exit 1
