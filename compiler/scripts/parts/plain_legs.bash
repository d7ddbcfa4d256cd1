# Waits until all legs of bonds and teqls work, in some looks in a row: half a minute at most. LOOKS NAMESPACE...
await_legs() {
  local ns left=$1 broken='(NO-CARRIER[^>]*MASTER| q\.[^:]+: <[^>]*,UP>|mii_status (DOWN|GOING_|BACK)|ad_num_ports [01] )'
  for _ in {1..300}; do
    ((left)) || return 0
    left=$((left - 1))
    for ns in "${@:2}"; do [[ ! $(ip -n "$ns" -d -o link show) =~ $broken ]] || left=$1; done
    sleep 0.1
  done
  say "the legs of bonds or teqls do not come to work"
  exit 1
}
