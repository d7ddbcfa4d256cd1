# === how a node is joined to the machine's own network ========================
# Sets `card` to the interface that the machine's default route leaves by.
card=
find_card() {
  local told
  told=$(exec ip -4 -o route show default) || told=
  card=
  [[ ! $told =~ \ dev\ ([^ ]+) ]] || card=${BASH_REMATCH[1]}
}

# Notes what is lacking for an uplink, or in its way: END NETWORK [CARD].
need_uplink() {
  local told
  ((EUID == 0)) && type -P ip >/dev/null && type -P nft >/dev/null || return 0
  card=${3:-}
  [[ -n $card ]] || find_card
  if [[ -z $card ]]; then
    missing+=("a default route of this machine, for the uplink (\`uplink NODE to INTERFACE\` names another way)")
  else
    look_at "$card"
    [[ -n $kind ]] || missing+=("an interface $card of this machine, for the uplink")
  fi
  look_at "$1"
  [[ -z $kind ]] || missing+=("the interface name $1: this machine has one")
  ! nft list table ip "mpc-$LAB" >/dev/null 2>&1 || missing+=("the name mpc-$LAB: a table of nftables has it")
  told=$(exec ip -4 -o route show table all root "$2")$(exec ip -4 -o route show table all match "$2")
  [[ ! $'\n'$told =~ $'\n'([0-9][^ ]*) ]] || missing+=("the network $2: this machine has a route to ${BASH_REMATCH[1]}")
}

# Sets `servers` to what resolv.conf is to say: the machine's name servers that have an address of IPv4 and are not the
# machine itself. What listens at its loopback, as systemd-resolved does, tells its own servers in a file. The claim notes
# them, a line each.
find_servers() {
  local file word server _
  for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    [[ -z $servers && -r $file ]] || continue
    while read -r word server _; do
      [[ $word == nameserver && $server == [0-9]*.* && $server != 127.* ]] || continue
      servers+=${servers:+$'\n'}"nameserver $server"
    done <"$file"
  done
  [[ -n $servers ]] || {
    say "warning: this machine has no name server that the lab could ask"
    servers="# This machine has no name server that a lab could ask."
  }
  while IFS= read -r word; do note "resolv $word"; done <<<"$servers"
}

# Joins a node to the machine's own network: NAMESPACE END ITS-ADDRESS NODE-ADDRESS NETWORK [CARD]. Packets of the node
# leave by the card alone, with its address; what comes in are answers. Where the card did not forward, it does for
# uplinks and answers alone.
raise_uplink() {
  local ns=$1 end=$2 outer=$3 inner=$4 network=$5 now guard='' answers='ct state { established, related }'
  card=${6:-}
  [[ -n $card ]] || find_card
  [[ -n $card ]] || die "this machine has no default route, for the uplink"
  lock_cards
  note "uplink $end $card"
  read -r now <"$CONF/$card/forwarding"
  if [[ $now == 0 || -n $(other_with "forwarding $card") ]]; then
    note "forwarding $card"
    guard="add rule ip mpc-$LAB forward iifname \"$card\" oifname != \"mpc-*\" ${answers/state/state !=} drop"
  fi
  feed ip -batch - <<END
link add name $end type veth peer name uplink netns $ns
address add $outer dev $end
link set dev $end up
END
  echo 1 >"$CONF/$end/forwarding"
  [[ ! -e /proc/sys/net/ipv6/conf/$end ]] || echo 1 >"/proc/sys/net/ipv6/conf/$end/disable_ipv6"
  feed nft -f - <<END
add table ip mpc-$LAB
add chain ip mpc-$LAB forward { type filter hook forward priority filter; }
add rule ip mpc-$LAB forward iifname "$end" oifname != "$card" drop
add rule ip mpc-$LAB forward oifname "$end" ${answers/state/state !=} drop
$guard
add chain ip mpc-$LAB out { type nat hook postrouting priority srcnat; }
add rule ip mpc-$LAB out ip saddr $network oifname "$card" masquerade
END
  echo 1 >"$CONF/$card/forwarding"
  unlock_cards
  feed nsenter --net="/run/netns/$ns" ip -batch - <<END
address add $inner dev uplink
link set dev uplink up
route add default via ${outer%/*} dev uplink
END
}
