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
parts=$*
log=.atalaia/logs
mkdir -p "$log"

say() { printf '%s\n' "$*" >&2; }
die() { say "Erro: $*"; exit 2; }
digest() { cat -- "$@" | sha256sum | cut -c1-64; }
wants() { [[ " $parts " == *" $1 "* ]]; }

# --- system packages -------------------------------------------------------------------------

# As serve/local/layout.py has it: the environment, even when empty; then NAME_FILE; then .env.
given() {
    local file="${1}_FILE"
    if [ -n "${!1+set}" ]; then [ -n "${!1}" ]; else [ -n "${!file:-}" ] || grep -qs "^$1=." .env; fi
}

has_postgres() {
    local bin version
    for bin in /usr/lib/postgresql/*/bin; do
        version=$(basename "$(dirname "$bin")")
        [ -x "$bin/initdb" ] && has_postgis "/usr/share/postgresql/$version" && return
    done
    command -v pg_config >/dev/null && command -v initdb >/dev/null &&
        has_postgis "$(pg_config --sharedir)"
}

has_postgis() { [ -e "$1/extension/postgis.control" ]; }

# The PostGIS of the PostgreSQL that is installed, else of the one the system would install.
postgres_packages() {
    local version
    version=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -1)
    [ -n "$version" ] ||
        version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')
    echo "postgresql-$version postgresql-$version-postgis-3"
}

packages_for() {
    case $1 in
    servers)
        given DATABASE_URL || has_postgres || echo postgresql+postgis
        given REDIS_URL || command -v redis-server >/dev/null || echo redis-server
        ;;
    browser) command -v chromium >/dev/null || echo chromium fonts-liberation ;;
    python)
        if python_is_ready; then
            :
        elif ! python_program >/dev/null; then
            echo python3 python3-venv
        elif ! "$(python_program)" -c 'import ensurepip, venv' 2>/dev/null; then
            # Debian splits venv from Python: python3-venv, or python3.12-venv for that one.
            echo "$(basename "$(python_program)")-venv"
        fi
        ;;
    esac
}

# Installs the named packages; what apt says is shown only when it fails.
install_packages() {
    local wanted=$* sudo=()
    [ -n "$wanted" ] || return 0
    command -v apt-get >/dev/null ||
        die "falta instalar: $wanted. Use o gerenciador de pacotes do seu sistema."
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "falta instalar $wanted; rode como root ou com sudo."
        sudo=(sudo)
    fi
    say "Pacotes do sistema: $wanted"
    "${sudo[@]}" apt-get update -qq || die "apt-get update falhou; veja a mensagem acima."
    wanted=${wanted/postgresql+postgis/$(postgres_packages)}
    # shellcheck disable=SC2086
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends -o Dpkg::Use-Pty=0 $wanted >"$log/apt.log" 2>&1 || {
        tail -20 "$log/apt.log" >&2
        die "apt-get install falhou; o registro inteiro está em $log/apt.log."
    }
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

have_venv() {
    local program
    .venv/bin/python -m pip --version >/dev/null 2>&1 && return
    program=$(python_program) || die "é preciso Python 3.11 ou mais novo."
    "$program" -m venv --clear .venv
}

pip_install() { .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps "$@"; }

have_python() {
    python_is_ready && return
    say "Ambiente Python (.venv)"
    have_venv
    rm -f .venv/.atalaia-stamp
    pip_install --require-hashes -r deploy/installer.lock
    uv_install || {
        say "O instalador rápido não conseguiu; tentando com o pip."
        pip_install --require-hashes -r requirements.lock
    }
    pip_install --no-build-isolation -e .
    python_stamp >.venv/.atalaia-stamp
}

# uv checks the same hashes and takes a sixth of pip's time. It does not read pip's settings.
uv_install() {
    local index code=0
    index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
    env ${index:+UV_DEFAULT_INDEX="$index"} ${PIP_CERT:+SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"} \
        UV_CACHE_DIR=.venv/.uv-cache .venv/bin/uv pip install -q --python .venv/bin/python \
        --no-deps --require-hashes -r requirements.lock || code=$?
    rm -rf .venv/.uv-cache
    return $code
}

# --- front end -------------------------------------------------------------------------------

node_is_new_enough() {
    local major
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ -n "$major" ] && [ "$major" -ge 20 ] && command -v npm >/dev/null
}

# The system's Node.js when it is new enough, else one of our own beside Python.
have_node() {
    node_is_new_enough && return
    export PATH="$PWD/.venv/bin:$PATH"
    node_is_new_enough && return
    say "Node.js (em .venv)"
    have_venv
    pip_install --require-hashes -r deploy/node.lock
    hash -r
}

have_screens() {
    local packages sources
    cd frontend
    packages=$(digest package.json package-lock.json)
    if [ "$(cat node_modules/.atalaia-packages 2>/dev/null)" != "$packages" ]; then
        say "Pacotes das telas (npm ci)"
        npm ci --loglevel=error --no-audit --no-fund --prefer-offline >/dev/null
        echo "$packages" >node_modules/.atalaia-packages
    fi
    sources=$packages$(find src public index.html ./*.ts ./*.mjs ./*.json -type f \
        ! -name '*.test.*' -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    [ -e dist/index.html ] && [ "$(cat node_modules/.atalaia-build 2>/dev/null)" = "$sources" ] &&
        return
    say "Telas (npm run build)"
    npm run build --loglevel=error >node_modules/.atalaia-build.log || {
        cat node_modules/.atalaia-build.log >&2
        die "as telas não puderam ser construídas."
    }
    echo "$sources" >node_modules/.atalaia-build
}

# --- all of it, side by side where one does not need the other --------------------------------

running=()
if wants python || wants screens; then
    install_packages $(packages_for python)
fi
install_packages $(for part in $parts; do [ "$part" = python ] || packages_for "$part"; done) &
running+=($!)
if wants screens; then
    have_node
    (have_screens) &
    running+=($!)
fi
if wants python; then
    have_python
fi
for one in "${running[@]}"; do wait "$one"; done
