# === ports of switches ========================================================
# Whether every port of a bridge forwards, or is left out by the spanning tree.
is_settled() {
  local ports
  ports=$(exec nsenter --net="/run/netns/$1" ip -d link show type bridge_slave) || die "cannot see the ports of $1"
  [[ ! $ports =~ bridge_slave\ state\ (disabled|listening|learning) ]]
}

# Waits until all ports of some bridges are settled, and half a minute at most. The kernel may take a second to
# notice that both ends of a link are up, and a spanning tree has ports listen and learn for 2 seconds each.
await_ports() {
  local ns try=0
  say "waiting for the ports of $# switches to forward"
  for ns; do
    until is_settled "$ns"; do
      ((++try < 300)) || die "the ports of $ns do not come to forward"
      sleep 0.1
    done
  done
}
