#!/bin/sh
# Make or renew .venv, or policy/.venv by `setup.sh policy`, with the first Python that can: PYTHON=..., or one on PATH.
set -eu
cd "${0%/*}/.."

without_venv=""
for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
        if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            exec "$python" -m tools.setup_environment "$@"
        fi
        without_venv="$without_venv $python"
    fi
done
if [ -n "$without_venv" ]; then
    echo "error: there is$without_venv, but without the modules venv and ensurepip, which come in a package of their own" \
        "(on Debian and Ubuntu: apt-get install python3-venv)." >&2
else
    echo "error: Python 3.10 or newer is needed; ${PYTHON:-what is on PATH} is not. Install it, or name one by" \
        "PYTHON=/path/to/python." >&2
fi
exit 1
