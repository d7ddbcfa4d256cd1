# === how teql devices are taken ===============================================
# Sets `free` to the devices that this namespace has, and that are down and have no leg in it.
free=()
find_slots() {
  local told line
  free=()
  told=$(exec ip -o link show)
  while read -r line; do
    [[ $line =~ ^[0-9]+:\ (teql[0-9]+):\ \<([^>]*)\> ]] || continue
    [[ ,${BASH_REMATCH[2]}, == *,UP,* || $told == *" qdisc ${BASH_REMATCH[1]} "* ]] || free+=("${BASH_REMATCH[1]}")
  done <<<"$told"
}

# Notes where this machine does not have so many: COUNT. Where the module is not there, it is loaded to see, and unloaded
# again. (A signal waits for that. The claim says so meanwhile, for the down after an up that is killed.)
need_slots() {
  local stopped=''
  ((EUID == 0)) && type -P ip >/dev/null && type -P flock >/dev/null || return 0
  if [[ -e $TEQL ]]; then
    find_slots
  else
    trap 'stopped=1' HUP INT TERM
    open_claim
    { flock -n "$lock" && current && [[ ! -s $CLAIM ]]; } || refuse
    trap end_trial EXIT
    printf '%ssince %(%F %T %Z)T\nmodule sch_teql\n' "$ABOUT" -1 >>"$CLAIM"
    lock_slots
    load sch_teql max_equalizers="$1"
    find_slots
    end_trial
    trap - HUP INT TERM
    [[ -z $stopped ]] || exit 130
  fi
  ((${#free[@]} >= $1)) || missing+=("$1 free teql devices (module sch_teql, in the first namespace); there are ${#free[@]} here")
}
end_trial() {
  trap - EXIT
  unload_slots || true
  unlock_slots
  rm -f "$CLAIM" || : >"$CLAIM"
  exec {lock}<&-
  lock=
}

# Takes a device for each row of its input, and makes it the queueing discipline of some interfaces: NAMESPACE NAME LEG...
take_slots() {
  local rows=() number ns name legs moves='' leg lines
  mapfile -t rows
  lock_slots
  [[ -e $TEQL ]] || { note "module sch_teql" && load sch_teql max_equalizers="${#rows[@]}"; }
  find_slots
  ((${#free[@]} >= ${#rows[@]})) || die "there are ${#free[@]} free teql devices, and not ${#rows[@]}"
  for number in "${!rows[@]}"; do
    read -r ns name legs <<<"${rows[number]}"
    note "slot $ns $name ${free[number]}"
    moves+="link set dev ${free[number]} netns $ns name $name"$'\n'
  done
  feed ip -batch - <<<"${moves%$'\n'}"
  unlock_slots
  for number in "${!rows[@]}"; do
    read -r ns name legs <<<"${rows[number]}"
    lines=
    for leg in $legs; do lines+="qdisc add dev $leg root ${free[number]}"$'\n'; done
    feed nsenter --net="/run/netns/$ns" tc -batch - <<<"${lines%$'\n'}"
  done
}
