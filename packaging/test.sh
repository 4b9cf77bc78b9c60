#!/usr/bin/env bash
# Set up what the checks need in .venv, and run them: bash packaging/test.sh [--nightly | --benchmarks] [pytest's arguments]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
source "$root/packaging/find_python.sh"
"$python" "$root/packaging/environment.py" --test
cd "$root"
python=.venv/bin/python
"$python" -P -m designer --install-libraries --version  # Qt's libraries, which the tests of the window need too
export QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PATH="$root/.venv/bin:$PATH"

together=(-n 2 --dist loadfile)

case "${1:-}" in
--nightly)
    shift
    exec "$python" -m pytest -q -m nightly "${together[@]}" "$@"
    ;;
--benchmarks)
    shift
    exec "$python" -m pytest -q -m benchmark "$@"
    ;;
esac

if [ $# != 0 ]; then
    exec "$python" -m pytest -q "$@"
fi
failed=
check() { "$@" || failed="$failed, ${*:1:4}"; }
check ruff check .
check ruff format --check .
check mypy
check "$python" -m pytest -q "${together[@]}"
if [ -n "$failed" ]; then
    echo "Failed: ${failed#, }" >&2
    exit 1
fi
