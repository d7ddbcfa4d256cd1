# Waits half a minute at most until a command succeeds; else ends with what another one says: SAY NAME COMMAND...
await() {
  local end=$((SECONDS + 30))
  while ((SECONDS < end)); do ! "${@:3}" >/dev/null 2>&1 </dev/null || return 0; sleep 0.2; done
  say "$2 does not come to be ready: $(quoted "${@:3}")"
  "$1" "$2" >&2
  exit 1
}
