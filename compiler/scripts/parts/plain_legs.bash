# Waits until all legs of bonds and teqls work, in some looks in a row: half a minute at most. LOOKS NAMESPACE...
await_legs() {
  local ns left=$1
  for _ in {1..300}; do
    ((left)) || return 0
    left=$((left - 1))
    for ns in "${@:2}"; do is_bonded "$ns" || left=$1; done
    sleep 0.1
  done
  say "the legs of bonds or teqls do not come to work"
  exit 1
}

# Whether the legs in a namespace work; a bond of active-backup that asks by ARP knows so of the one in use alone.
is_bonded() {
  local told line asking=' '
  local broken='(NO-CARRIER[^>]*MASTER| q\.[^:]+: <[^>]*,UP>|mii_status (DOWN|GOING_|BACK)|ad_num_ports [01] )'
  told=$(ip -n "$1" -d -o link show)
  while read -r line; do
    [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ mode\ active-backup\ .*\ arp_interval\ [1-9] ]] || asking+="${BASH_REMATCH[1]} "
  done <<<"$told"
  while read -r line; do
    [[ $line =~ \ master\ ([^\ ]+) && $asking == *" ${BASH_REMATCH[1]} "* ]] || [[ ! $line =~ $broken ]] || return 1
  done <<<"$told"
}

