# === routes told in short =====================================================
# Adds routes to the input that was noted last: HOPS TARGET...
routes() {
  local rows
  mine || return 0
  # shellcheck disable=SC2059 # (HOPS has no %)
  printf -v rows "route add %s $1\n" "${@:2}"
  inputs[-1]+=$rows
}
