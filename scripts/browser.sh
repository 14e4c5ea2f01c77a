#!/usr/bin/env bash
# Sees to it that there is a Chromium for the browser tests: on Debian, as root, installs the distribution's own.
# Elsewhere it says so, loudly, and the browser tests are skipped; on a build server (CI set) that is a failure.
set -euo pipefail

if [ -n "${CHANGBEI_CHROMIUM:-}" ]; then exit 0; fi
for program in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$program" >/dev/null; then exit 0; fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "browser: installing Debian's chromium for the browser tests"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; then exit 0; fi
fi

cat >&2 <<'NOTICE'
!!! There is no Chromium on this machine, so the browser tests CANNOT RUN.
!!! Install it (Debian: sudo apt-get install chromium) or name it by CHANGBEI_CHROMIUM.
NOTICE
case "${CI:-}" in
    '' | 0 | false) exit 0 ;;
    *) exit 1 ;;
esac
