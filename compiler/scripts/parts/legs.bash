# === legs of bonds and teqls ==================================================
# Whether a namespace's bonds have found that all legs work, and by 802.3ad that they lead to one neighbour; and whether
# the legs of its teqls, which are bridges, have a carrier. A bond of active-backup that asks by ARP does so over the leg in
# use alone, and takes the others for broken until then.
is_bonded() {
  local told line asking=' '
  local broken='(NO-CARRIER[^>]*MASTER| q\.[^:]+: <[^>]*,UP>|mii_status (DOWN|GOING_|BACK)|ad_num_ports [01] )'
  told=$(exec nsenter --net="/run/netns/$1" ip -d -o link show) || die "cannot see the legs in $1"
  while read -r line; do
    [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ mode\ active-backup\ .*\ arp_interval\ [1-9] ]] || asking+="${BASH_REMATCH[1]} "
  done <<<"$told"
  while read -r line; do
    [[ $line =~ \ master\ ([^\ ]+) && $asking == *" ${BASH_REMATCH[1]} "* ]] || [[ ! $line =~ $broken ]] || return 1
  done <<<"$told"
}

# Waits until the legs of all of these work, in some looks in a row, and half a minute at most: LOOKS NAMESPACE... A bond looks
# at carriers every 100 milliseconds. By ARP it takes a leg for broken at first, where its other end is up later than it;
# and by 802.3ad it talks to the other end for some seconds.
await_legs() {
  local ns try=0 looks=$1 left=$1
  shift
  say "waiting for the legs in $# namespaces to work"
  while ((left)); do
    ((++try < 300)) || die "the legs of bonds or teqls do not come to work"
    ((left--))
    for ns; do is_bonded "$ns" || left=$looks; done
    sleep 0.1
  done
}
