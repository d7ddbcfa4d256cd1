# === teql devices =============================================================
# The module sch_teql makes a number of devices when it is loaded, in the machine's first namespace, and no more later. Up
# takes some for the lab, and down gives them back under the names that they had. Each is noted as `slot NAMESPACE NAME
# DEVICE` before it is taken, and the module as `module sch_teql` before up loads it. Who does any of that has a lock, as
# all labs share the devices.
TEQL=/sys/module/sch_teql
slots=
lock_slots() {
  [[ -z $slots ]] || return 0
  exec {slots}</run
  flock -w 60 "$slots" || die "another lab is at work with teql devices"
}
unlock_slots() {
  [[ -z $slots ]] || exec {slots}<&-
  slots=
}

# Unloads the module, for 3 seconds at most: the kernel may still be taking away a leg.
unload_slots() {
  local try
  for try in {1..30}; do
    [[ -e $TEQL ]] && ! modprobe -qr sch_teql 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

# Sets `kind` to what `ip -o link` tells of an interface of this namespace, or to nothing.
kind=
look_at() { kind=$(exec ip -o link show dev "$1" 2>/dev/null) || kind=; }

# Gives back the devices that up has taken for some namespaces, or tried to: NAMESPACE... A leg that is left would keep its
# device in use, so legs go first. Of a namespace that somebody has deleted, the kernel has given the device back, under
# the name that it had there.
give_back() {
  local slot ns name device told line rows left=0
  for slot in "${!notes[@]}"; do
    [[ $slot == "slot "* ]] || continue
    read -r _ ns name device <<<"$slot"
    if [[ " $* " == *" $ns "* ]]; then
      told=$(exec nsenter --net="/run/netns/$ns" ip -o link show 2>/dev/null) || continue
      rows="link set dev $name netns $$ name $device"$'\n'"link set dev $device netns $$"$'\n'
      while read -r line; do
        [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ qdisc\ $device\  ]] || rows="link del dev ${BASH_REMATCH[1]}"$'\n'$rows
      done <<<"$told"
      (exec nsenter --net="/run/netns/$ns" ip -force -batch - <<<"${rows%$'\n'}" >/dev/null 2>&1) || true
    fi
    look_at "$device"
    [[ -z $kind ]] || continue
    look_at "$name"
    [[ $kind != *" link/void "* ]] || ip link set dev "$name" down name "$device" || left=1
  done
  return "$left"
}

# Unloads the module where up has loaded it, and nobody uses its devices: another lab that has some is told to, in its
# turn. The lock is kept to the end of the script, so that no lab is told that is about to forget it.
leave_slots() {
  local other line told=''
  noted "module sch_teql" || return 0
  lock_slots
  read_claim
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other && -z $told ]] || continue
    while read -r line; do [[ $line != "slot "* ]] || told=$other; done 2>/dev/null <"$other"
  done
  if [[ -n $told ]]; then
    echo "module sch_teql" >>"$told"
    return
  fi
  unload_slots || say "left the module sch_teql alone: its devices are used"
}
