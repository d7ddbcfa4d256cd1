# Has command lines make an interface, one after the other: NAMESPACE NODE NAME LINE... What they say goes to NODE:NAME.log.
make_device() {
  local line log=$CLAIM.d/$2:$3.log
  for line in "${@:4}"; do
    MPC_LAB=$LAB MPC_NODE=$2 MPC_NETNS=$1 ip netns exec "$1" bash -c -- "$line" </dev/null >>"$log" 2>&1 ||
      { say "$2:$3 cannot be made: $line: $(tail -n 5 "$log")"; exit 1; }
  done
  ip -n "$1" link show dev "$3" >/dev/null || { say "$2:$3 is not there when its commands have been run"; exit 1; }
}
