# Sourced by run.sh and test.sh with $root set; $python becomes a Python 3.11 to 3.13, one that can make virtual
# environments where there is one. PYTHON=... in the environment chooses it.

find_python() {
    local candidates=(python3.11 python3.12 python3.13 python3) candidate also
    [ ! -f "$root/.venv/stamp" ] || candidates=("$root/.venv/bin/python" "${candidates[@]}")
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for also in "import ensurepip" ""; do
        for candidate in "${candidates[@]}"; do
            if "$candidate" -c "import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13); $also" 2>/dev/null; then
                python=$candidate
                return
            fi
        done
    done
    return 1
}

if ! find_python; then
    if [ -n "${PYTHON:-}" ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Network Designer needs Python 3.11, 3.12 or 3.13, and ${PYTHON:-this system} has none: sudo apt-get install python3 python3-venv" >&2
        exit 1
    fi
    apt-get update >&2 && apt-get install -y --no-install-recommends python3 python3-venv >&2 && find_python || exit 1
fi
