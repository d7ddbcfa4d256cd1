# === the uplink ===============================================================
# The one thing of a lab that is on the machine's own network, in the namespace of the script: the end of a veth pair
# whose other end a node has, a table of nftables of the lab's name, and forwarding by the card and by that end alone.
# Before they are made, the claim notes them: `uplink END CARD`, and `forwarding CARD` where that did not forward. Who
# changes any of it has a lock, as labs may share the card.
CONF=/proc/sys/net/ipv4/conf
cards=
lock_cards() {
  [[ -z $cards$slots ]] || return 0
  exec {cards}</run
  flock -w 60 "$cards" || die "another lab is at work with uplinks"
}
unlock_cards() {
  [[ -z $cards ]] || exec {cards}<&-
  cards=
}

# Prints a claim of another lab that has a note: PATTERN.
other_with() {
  local other line
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other ]] || continue
    while read -r line; do
      # shellcheck disable=SC2053 # a pattern
      [[ $line != $1 ]] || { echo "$other" && return; }
    done 2>/dev/null <"$other"
  done
}

# Takes away what is on the machine's own network: the end, unless it goes with the namespace, and the table. The card
# forwards no more where it did not before, no other lab needs it (that is told to, in its turn), and nobody has turned
# forwarding on for the machine meanwhile.
leave_uplink() {
  local line end='' card other whole left=0
  # shellcheck disable=SC2154 # what the claim says
  for line in "${!notes[@]}"; do [[ $line != "uplink "* ]] || read -r _ end card <<<"$line"; done
  [[ -n $end ]] || return 0
  look_at "$end"
  [[ -z $kind ]] || ip link del dev "$end" || left=1
  nft "add table ip mpc-$LAB; delete table ip mpc-$LAB" || left=1
  noted "forwarding $card" || return "$left"
  lock_cards
  other=$(other_with "uplink * $card")
  read -r whole </proc/sys/net/ipv4/ip_forward
  if [[ -n $other ]]; then
    echo "forwarding $card" >>"$other" || left=1
  elif [[ $whole == 0 && -e $CONF/$card/forwarding ]]; then
    echo 0 >"$CONF/$card/forwarding" || left=1
  fi
  unlock_cards
  return "$left"
}
