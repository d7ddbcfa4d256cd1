# === check ====================================================================
# What was checked is told in TAP: a line a test point, and below it what is wrong, or what was measured.
count=0
failed=0

(($# == 0)) || misuse "no such option: $1"

# Ends the check where it cannot begin.
bail_out() { out "Bail out! $*"; exit 2; }

need_tool() { type -P "$1" >/dev/null || bail_out "the command $1 (package $2) is missing"; }

# Tells a test point: whether it holds, what was checked, and what there is to say of it.
tell() {
  local status=ok told=("${@:3}")
  ((++count))
  (($1)) || { status="not ok" && ((++failed)); }
  out "$status $count - $2" "${told[@]/#/# }"
}

begin() {
  ((EUID == 0)) || bail_out "must run as root"
  out "TAP version 14" "1..$1"
  name_all
  out "${named[@]/#/# }" "# tools ${versions[*]}"
}

finish() {
  ((failed == 0)) || out "# $failed of $count failed"
  exit "$((failed > 0))"
}
