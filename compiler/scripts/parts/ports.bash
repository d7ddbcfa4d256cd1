# === ports of switches ========================================================
# Whether every port of a bridge forwards, or is left out by the spanning tree. `dark` is then the ports whose links
# are not known to be up.
dark=()
is_settled() {
  local ports line
  ports=$(exec nsenter --net="/run/netns/$1" ip -d -o link show type bridge_slave) || die "cannot see the ports of $1"
  dark=()
  while IFS= read -r line; do
    [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ bridge_slave\ state\ disabled ]] || dark+=("${BASH_REMATCH[1]}")
  done <<<"$ports"
  [[ ! $ports =~ bridge_slave\ state\ (disabled|listening|learning) ]]
}

# Waits until all ports of some bridges are settled, and half a minute at most. The kernel may take a second to
# notice that both ends of a link are up, if they have the same number; Linux 6.18 does so at once when it is asked about
# the port. And a spanning tree has ports listen and learn for 2 seconds each.
await_ports() {
  local ns try=0
  say "waiting for the ports of $# switches to forward"
  for ns; do
    until is_settled "$ns"; do
      ((++try < 300)) || die "the ports of $ns do not come to forward"
      ((${#dark[@]} == 0)) || printf 'link show dev %s\n' "${dark[@]}" |
        nsenter --net="/run/netns/$ns" ip -batch - >/dev/null 2>&1 || true
      ((try == 1)) || sleep 0.1
    done
  done
}
