# === spanning trees ===========================================================
# Whether no port of a bridge has yet to find out if it is to forward.
is_settled() {
  local ports
  ports=$(exec nsenter --net="/run/netns/$1" ip -d link show type bridge_slave) || die "cannot see the ports of $1"
  [[ ! $ports =~ bridge_slave\ state\ (disabled|listening|learning) ]]
}

# Waits until the ports of some bridges forward or are left out: 4 seconds, and half a minute at most.
await_trees() {
  local ns try=0
  say "waiting for the ports of $# switches to forward, about 4 seconds"
  for ns; do
    until is_settled "$ns"; do
      ((++try < 120)) || die "the ports of $ns do not come to forward"
      sleep 0.25
    done
  done
}
