# === check ====================================================================
# What was checked is told in TAP: a line a test point, and below it what is wrong, or what was measured.
count=0
failed=0

(($# == 0)) || misuse "no such option: $1"

# Ends the check where it cannot begin.
bail_out() { printf 'Bail out! %s\n' "$*"; exit 2; }

need_tool() { type -P "$1" >/dev/null || bail_out "the command $1 (package $2) is missing"; }

# Tells a test point: whether it holds, what was checked, and what there is to say of it.
tell() {
  local status=ok
  ((++count))
  (($1)) || { status="not ok" && ((++failed)); }
  printf '%s %d - %s\n' "$status" "$count" "$2"
  (($# == 2)) || printf '# %s\n' "${@:3}"
}

begin() {
  ((EUID == 0)) || bail_out "must run as root"
  printf 'TAP version 14\n1..%d\n' "$1"
}

finish() {
  ((failed == 0)) || printf '# %d of %d failed\n' "$failed" "$count"
  exit "$((failed > 0))"
}
