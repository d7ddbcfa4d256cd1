# === routes told in short =====================================================
# Adds routes to the input that was noted last: HOPS TARGET... (Only for its own namespaces does a part expand these.)
routes() {
  local rows
  # shellcheck disable=SC2059 # (HOPS has no %)
  printf -v rows "route add %s $1\n" "${@:2}"
  inputs[-1]+=$rows
}
