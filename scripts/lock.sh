#!/usr/bin/env bash
# Compiles requirements.lock: versions and hashes of everything, for every platform and Python, and no addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
unset VIRTUAL_ENV
exec .venv/bin/uv pip compile pyproject.toml --group dev --group front --quiet \
    --generate-hashes --no-header --no-emit-index-url --universal --python-version 3.11 \
    --output-file requirements.lock "$@"
