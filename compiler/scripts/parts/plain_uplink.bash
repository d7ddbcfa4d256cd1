# Sets `servers` to the machine's name servers with an address of IPv4, but itself; the claim notes them.
find_servers() {
  local file line
  for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    [[ -n $servers ]] || servers=$(grep -sxE "nameserver +[0-9.]+ *" "$file" | grep -v " 127[.]") || true
  done
  [[ $servers ]] || servers="# This machine has no name server that a lab could ask."
  while IFS= read -r line; do echo "resolv $line"; done <<<"$servers" >>"$CLAIM"
}
servers=

# Joins a node to the machine's own network: NAMESPACE END ITS-ADDRESS NODE-ADDRESS NETWORK [CARD].
raise_uplink() {
  local card=${6:-} answers='ct state != { established, related } drop' guard='' table="ip mpc-$LAB"
  [[ $card ]] || card=$(ip -4 -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/;T;p;q')
  [[ $card ]] || { say "this machine has no default route, for the uplink"; exit 1; }
  ! nft list table "ip" "mpc-$LAB" >/dev/null 2>&1 || { say "there is a table $table already"; exit 1; }
  echo "uplink $2 $card" >>"$CLAIM"
  if [[ $(<"/proc/sys/net/ipv4/conf/$card/forwarding") == 0 ]] || grep -qsx "forwarding $card" /run/mpc-*; then
    echo "forwarding $card" >>"$CLAIM"
    guard="add rule $table forward iifname \"$card\" oifname != \"mpc-*\" $answers"
  fi
  ip link add name "$2" type veth peer name uplink netns "$1"
  ip address add "$3" dev "$2"
  ip link set dev "$2" up
  echo 1 >"/proc/sys/net/ipv4/conf/$2/forwarding"
  [[ ! -e /proc/sys/net/ipv6/conf/$2 ]] || echo 1 >"/proc/sys/net/ipv6/conf/$2/disable_ipv6"
  nft -f - <<END
add table $table
add chain $table forward { type filter hook forward priority filter; }
add rule $table forward iifname "$2" oifname != "$card" drop
add rule $table forward oifname "$2" $answers
$guard
add chain $table out { type nat hook postrouting priority srcnat; }
add rule $table out ip saddr $5 oifname "$card" masquerade
END
  echo 1 >"/proc/sys/net/ipv4/conf/$card/forwarding"
  ip -n "$1" address add "$4" dev uplink
  ip -n "$1" link set dev uplink up
  ip -n "$1" route add default via "${3%/*}" dev uplink
}

# Takes away what is on the machine's own network. The card forwards no more where it did not before.
leave_uplink() {
  local note end card other left=0
  read -r note end card < <(grep -s "^uplink " "$CLAIM") || return 0
  ! ip link show dev "$end" >/dev/null 2>&1 || ip link del dev "$end" || left=1
  nft "add table ip mpc-$LAB; delete table ip mpc-$LAB" || left=1
  grep -qsx "forwarding $card" "$CLAIM" || return "$left"
  other=$(grep -lsx "$note mpc-[^ ]* $card" /run/mpc-* | grep -vx "$CLAIM" | head -n 1) || true
  if [[ $other ]]; then
    echo "forwarding $card" >>"$other"
  elif [[ $(</proc/sys/net/ipv4/ip_forward) == 0 && -e /proc/sys/net/ipv4/conf/$card/forwarding ]]; then
    echo 0 >"/proc/sys/net/ipv4/conf/$card/forwarding" || left=1
  fi
  return "$left"
}
