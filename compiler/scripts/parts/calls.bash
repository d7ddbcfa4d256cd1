# === calls of podman and docker ===============================================
# How long a call may take, in seconds.
PATIENCE=60

# Prints what a call of an engine says, and ends one that takes longer, with status 124: SECONDS ENGINE ARGUMENT...
# It is called as "$(bounded ...)" alone. A signal to this script waits for the end of that: what an engine is at comes
# before all is taken away. (What then watches a container would keep the claim locked.)
bounded() {
  local from pid said log='' sign status end=$((SECONDS + $1))
  exec {from}< <(
    [[ -z ${lock:-} ]] || exec {lock}>&-
    PODMAN_IGNORE_CGROUPSV1_WARNING=1 exec "${@:2}" 2>&1 </dev/null
  )
  pid=$!
  trap - ERR
  trap '' HUP INT TERM
  while :; do
    status=0
    IFS= read -rd '' -t 5 said <&"$from" || status=$?
    log+=$said
    ((status)) || continue # after a null character
    ((status > 128)) || break
    ((SECONDS >= end)) || { say "waiting for $2 $3" && continue; }
    for sign in TERM KILL; do
      kill -s "$sign" "$pid" 2>/dev/null || true
      IFS= read -rd '' -t 5 said <&"$from" || (($? > 128)) || break
    done
    printf '%s' "${log:+$log$'\n'}\`$2 $3\` has not ended in $1 seconds"
    return 124
  done
  printf '%s' "$log"
  wait "$pid"
}
