# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Says that the script is not called like this.
misuse() { say "error: $1; ${USAGE%%$'\n'*}"; exit 2; }
if [[ ${1:-} == --help || ${1:-} == -h ]]; then printf '%s' "$USAGE"; exit 0; fi
