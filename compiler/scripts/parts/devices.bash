# === devices that commands make ===============================================
# Has the command lines of its input make an interface: NAMESPACE NODE NAME. Each is run in the namespace, when the one
# before has ended, and is told of it what a `run` is; what they say is in a log. They have no open file of this script.
make_device() {
  local line lines log=$RUNS/$2:$3.log
  mapfile -t lines
  for line in "${lines[@]}"; do
    run_line "$1" "$2" "$line" </dev/null >>"$log" 2>&1 || not_made "$2:$3" "$log" "$line"
  done
  nsenter --net="/run/netns/$1" ip link show dev "$3" >/dev/null 2>&1 ||
    die "$2:$3 is not there when its commands have been run"
}
run_line() {
  (
    local fd
    trap - PIPE INT QUIT ERR
    ulimit -Sn "$FILES"
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      ((fd < 3)) || exec {fd}>&-
    done
    MPC_LAB=$LAB MPC_NODE=$2 MPC_NETNS=$1 exec ip netns exec "$1" bash -c -- "$3"
  )
}

# Ends up with what a command line has said: DEVICE LOG LINE.
not_made() {
  say "failed: $3"
  die "$1 cannot be made: $(tail -n 5 "$2")"
}
