# Loads the module that makes the devices of teqls, which the claim then says: COUNT.
load_teql() {
  [[ -e /sys/module/sch_teql ]] || echo "module sch_teql" >>"$CLAIM"
  modprobe -q sch_teql max_equalizers="$1" 2>/dev/null || true
}

# Takes a device that is down and has no leg, and makes it the queueing discipline of legs: NAMESPACE NAME LEG...
take_slot() {
  local line told device='' leg
  told=$(ip -o link show)
  while read -r line; do
    [[ ! $line =~ ^[0-9]+:\ (teql[0-9]+):\ \<([^>]*)\> || ,${BASH_REMATCH[2]}, == *,UP,* ]] ||
      [[ $told == *" qdisc ${BASH_REMATCH[1]} "* ]] || device=${BASH_REMATCH[1]}
  done <<<"$told"
  [[ $device ]] || { say "there is no free teql device"; exit 1; }
  echo "slot $1 $2 $device" >>"$CLAIM"
  ip link set dev "$device" netns "$1" name "$2"
  for leg in "${@:3}"; do tc -n "$1" qdisc add dev "$leg" root "$device"; done
}

# Gives back what was taken for a namespace, without the legs, which would keep it in use.
give_back() {
  local slot ns name device told line left=0
  while read -r slot ns name device; do
    [[ $slot == slot && $ns == "$1" ]] && told=$(ip -n "$ns" -o link show) && [[ $told == *": $name: "* ]] || continue
    while read -r line; do
      [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ qdisc\ $device\  ]] || ip -n "$ns" link del dev "${BASH_REMATCH[1]}" || left=1
    done <<<"$told"
    ip -n "$ns" link set dev "$name" netns $$ name "$device" || left=1
  done <"$CLAIM"
  return "$left"
}

# Unloads the module, where this lab has loaded it.
unload_teql() { [[ ! -e /sys/module/sch_teql ]] || ! grep -qsx "module sch_teql" "$CLAIM" || modprobe -qr sch_teql || say "left the module sch_teql alone"; }
