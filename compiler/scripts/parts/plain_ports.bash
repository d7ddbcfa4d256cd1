# Waits until all ports of a bridge forward, or are left out by the spanning tree: half a minute at most.
await_ports() {
  for _ in {1..300}; do
    [[ $(ip -n "$1" -d link show type bridge_slave) =~ bridge_slave\ state\ (disabled|listening|learning) ]] || return 0
    sleep 0.1
  done
  say "the ports of $1 do not come to forward"
  exit 1
}
