#!/usr/bin/env bash
# Has in place what `make` needs; what is in place already costs nothing.
#
#   deploy/prepare.sh PART…      servers  PostgreSQL, PostGIS and Redis (not those given by address)
#                                python   .venv with requirements.lock, every file's hash checked
#                                screens  the front end, built
#                                browser  Chromium, for the tests
#
# System packages come from apt and only when missing; all else stays in the project folder.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "Erro: $*"; exit 2; }
digest() { cat -- "$@" | sha256sum | cut -c1-64; }
given() { [ -n "${!1:-}" ] || [ -n "$(eval "printf %s \"\${${1}_FILE:-}\"")" ] || grep -qs "^$1=." .env; }

# --- system packages -------------------------------------------------------------------------

missing_packages() {
    local part
    if python_is_ready; then
        :
    elif ! python_program >/dev/null; then
        echo python3 python3-venv
    elif ! "$(python_program)" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian splits venv from Python: python3-venv, or python3.12-venv for that one.
        basename "$(python_program)" | sed 's/$/-venv/'
    fi
    for part in "$@"; do
        case $part in
        servers)
            given DATABASE_URL || has_postgres || echo postgresql postgis-of-postgresql
            given REDIS_URL || command -v redis-server >/dev/null || echo redis-server
            ;;
        browser) command -v chromium >/dev/null || echo chromium fonts-liberation ;;
        esac
    done
}

has_postgres() {
    local bin
    for bin in /usr/lib/postgresql/*/bin; do
        [ -x "$bin/initdb" ] && [ -e "/usr/share/postgresql/$(basename "$(dirname "$bin")")/extension/postgis.control" ] && return
    done
    command -v pg_config >/dev/null && [ -e "$(pg_config --sharedir)/extension/postgis.control" ] &&
        command -v initdb >/dev/null
}

# The PostGIS of the PostgreSQL that is installed, else of the one the system would install.
postgis_package() {
    local version
    version=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -1)
    [ -n "$version" ] ||
        version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')
    echo "postgresql-$version postgresql-$version-postgis-3"
}

system_packages() {
    local wanted sudo=()
    wanted=$(missing_packages "$@")
    [ -n "$wanted" ] || return 0
    command -v apt-get >/dev/null ||
        die "falta instalar: $(echo $wanted). Instale com o gerenciador de pacotes do seu sistema."
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "falta instalar $(echo $wanted); rode como root ou com sudo."
        sudo=(sudo)
    fi
    say "Pacotes do sistema: $(echo $wanted)"
    export DEBIAN_FRONTEND=noninteractive
    "${sudo[@]}" apt-get update -qq || die "apt-get update falhou; veja a mensagem acima."
    wanted=${wanted//postgresql postgis-of-postgresql/$(postgis_package)}
    # shellcheck disable=SC2086
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $wanted >/dev/null ||
        die "apt-get install falhou; veja a mensagem acima."
}

# --- Python ----------------------------------------------------------------------------------

python_program() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# What .venv was made from, and where: a moved checkout needs another.
python_stamp() { echo "$(digest requirements.lock deploy/installer.lock pyproject.toml) $PWD"; }

python_is_ready() {
    [ "$(cat .venv/.atalaia-stamp 2>/dev/null)" = "$(python_stamp)" ] &&
        .venv/bin/python -c 'import atalaia' 2>/dev/null
}

python() {
    local program
    python_is_ready && return
    program=$(python_program) || die "é preciso Python 3.11 ou mais novo."
    say "Ambiente Python (.venv)"
    rm -f .venv/.atalaia-stamp
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$program" -m venv --clear .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes \
        -r deploy/installer.lock
    with_uv || {
        say "O instalador rápido não conseguiu; tentando com o pip."
        .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes \
            -r requirements.lock
    }
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
        --no-build-isolation -e .
    python_stamp >.venv/.atalaia-stamp
}

# uv checks the same hashes and takes a sixth of pip's time. It does not read pip's settings.
with_uv() {
    local index
    index=$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)
    index=${PIP_INDEX_URL:-$index}
    env ${index:+UV_DEFAULT_INDEX="$index"} ${PIP_CERT:+SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"} \
        UV_CACHE_DIR=.venv/.uv-cache .venv/bin/uv pip install -q --python .venv/bin/python \
        --no-deps --require-hashes -r requirements.lock
    local code=$?
    rm -rf .venv/.uv-cache
    return $code
}

# --- front end -------------------------------------------------------------------------------

node_is_new_enough() {
    local major
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ -n "$major" ] && [ "$major" -ge 20 ] && command -v npm >/dev/null
}

screens() {
    local packages sources
    if ! node_is_new_enough; then
        export PATH="$PWD/.venv/bin:$PATH"
        node_is_new_enough || {
            say "Node.js (em .venv)"
            .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
                --require-hashes -r deploy/node.lock
        }
    fi
    cd frontend
    packages=$(digest package.json package-lock.json)
    if [ "$(cat node_modules/.atalaia-packages 2>/dev/null)" != "$packages" ]; then
        say "Pacotes das telas (npm ci)"
        npm ci --loglevel=error --no-audit --no-fund --prefer-offline
        echo "$packages" >node_modules/.atalaia-packages
    fi
    sources=$packages$(find src public index.html ./*.ts ./*.mjs ./*.json -type f ! -name '*.test.*' \
        -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    if [ ! -e dist/index.html ] || [ "$(cat node_modules/.atalaia-build 2>/dev/null)" != "$sources" ]; then
        say "Telas (npm run build)"
        npm run build >node_modules/.atalaia-build.log ||
            { cat node_modules/.atalaia-build.log >&2; die "as telas não puderam ser construídas."; }
        echo "$sources" >node_modules/.atalaia-build
    fi
}

# --- all of it, side by side where one does not need the other --------------------------------

wants() { [[ " $parts " == *" $1 "* ]]; }

parts=$*
running=()
if python_is_ready ||
    { python_program >/dev/null && "$(python_program)" -c 'import ensurepip, venv' 2>/dev/null; }; then
    system_packages "$@" & running+=($!)
else
    system_packages "$@"
fi
if wants python; then
    if wants screens && node_is_new_enough; then
        (screens) & running+=($!)
        python
    else
        python
        ! wants screens || (screens)
    fi
elif wants screens; then
    (screens)
fi
for one in "${running[@]}"; do wait "$one"; done
