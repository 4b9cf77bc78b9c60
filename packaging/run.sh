#!/usr/bin/env bash
# Start Network Designer, and first, when something is missing, set it up in .venv: bash packaging/run.sh [FILE]
# All arguments go to designer: bash packaging/run.sh --help
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
source "$root/packaging/find_python.sh"
"$python" "$root/packaging/environment.py"
exec "$root/.venv/bin/python" -P -m designer --install-libraries "$@"
