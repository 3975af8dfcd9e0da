# Shared by scripts/app and scripts/test: makes .venv and installs a requirements file into it once.
# Usage: source scripts/setup.sh; prepare requirements.txt

cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONDONTWRITEBYTECODE  # else every start compiles the libraries anew, which takes seconds

find_python() {
  local name
  for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "error: no Python 3.11 or newer was found; install one, or name it with PYTHON=/path/to/python." >&2
  return 1
}

prepare() {
  local file="$1" stamp wanted
  if [ ! -x .venv/bin/python ]; then
    echo "Making .venv ..."
    "$(find_python)" -m venv .venv
  fi
  stamp=".venv/.installed-$file"
  wanted="$(cat requirements*.txt | cksum)"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "Installing $file (once) ..."
    # Python compiles what is imported, when it is: compiling all of it takes longer than the rest.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r "$file"
    echo "$wanted" >"$stamp"
  fi
}
