# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }
