#!/usr/bin/env bash
# Sets up everything under .venv/, node_modules/ and the built front end. Safe to run again; quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV

readonly UV=uv==0.13.9
readonly STAMPS=.venv/.stamps
PYTHON=${PYTHON:-python3}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

main() {
    mkdir -p build
    exec 9>build/setup.lock
    flock 9 # two at once would undo each other's work
    environment
    dependencies
    ourselves
    kernels
    .venv/bin/python scripts/build_front.py
    .venv/bin/python scripts/compile_translations.py
}

# A stamp holds the digest of what a step depends on; a step is due when they differ.
digest() { { cat "$@"; .venv/bin/python -V; } | sha256sum | cut -c1-64; }
is_done() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
done_with() { mkdir -p "$STAMPS" && printf '%s\n' "$2" >"$STAMPS/$1"; }

environment() {
    if [ -x .venv/bin/uv ] && .venv/bin/python -c '' 2>/dev/null; then return; fi
    command -v "$PYTHON" >/dev/null || fail "no $PYTHON here; Python 3.11 or later is needed"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$PYTHON" -V) is too old; Python 3.11 or later is needed (PYTHON=… names another one)"
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || install_venv
    say "environment in .venv, with $("$PYTHON" -V)"
    "$PYTHON" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$UV"
}

install_venv() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "this Python has no venv; on Debian: sudo apt-get install python3-venv"
    fi
    say "installing python3-venv"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
}

dependencies() {
    local wanted
    wanted=$(digest requirements.lock)
    if is_done dependencies "$wanted"; then return; fi
    say "dependencies of requirements.lock"
    .venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
    rm -f "$STAMPS/ourselves" # sync removes what the lock file does not name
    done_with dependencies "$wanted"
}

ourselves() {
    local wanted
    wanted=$(digest pyproject.toml)
    if [ -x .venv/bin/changbei ] && is_done ourselves "$wanted"; then return; fi
    say "the command .venv/bin/changbei"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .
    done_with ourselves "$wanted"
}

kernels() {
    local wanted
    wanted=$(digest requirements.lock changbei/compute/*/kernel/*.py)
    if is_done kernels "$wanted"; then return; fi
    say "compiling the search for recoveries"
    .venv/bin/python -m changbei.compute.recovery.kernel
    done_with kernels "$wanted"
}

main
