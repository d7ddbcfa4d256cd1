# === the other machines =======================================================
# Notes that this machine is not the one that the script is for: ADDRESS NAME.
need_address() {
  ! type -P ip >/dev/null || [[ -n $(ip -o address show to "$1" 2>/dev/null) ]] ||
    missing+=("the address $1, which $2 has: is this $2?")
}

# Notes that no route leads to another machine, or none for packets of some bytes: ADDRESS NAME BYTES.
need_route() {
  local route device mtu
  type -P ip >/dev/null || return 0
  route=$(ip -o route get "$1" 2>/dev/null) || true
  if [[ $route != *" dev "* ]]; then
    missing+=("a route to $2, $1")
  elif [[ $route == local* ]]; then
    missing+=("a route to $2: this machine has its address $1")
  else
    device=${route#*" dev "} device=${device%% *}
    read -r mtu <"/sys/class/net/$device/mtu" || return 0
    [[ ! $route =~ \ mtu\ (lock\ )?([0-9]+) ]] || mtu=${BASH_REMATCH[2]}
    ((mtu >= $3)) || missing+=("room for packets of $3 bytes to $2: $device takes $mtu")
  fi
}

# Makes the ends of links to other machines, which are its input. Where somebody has deleted the namespaces of a lab, its
# links may still be there: the kernel takes them away later, after a moment or, where connections were cut, minutes.
join_machines() {
  local rows=() left log line tries=0 end=$((SECONDS + 65))
  mapfile -t rows
  while ! log=$(printf '%s\n' "${rows[@]}" | ip -force -batch - 2>&1); do
    left=()
    while read -r line; do
      [[ ! $line =~ ^Command\ failed\ -:([0-9]+)$ ]] || left+=("${rows[BASH_REMATCH[1] - 1]}")
    done <<<"$log"
    if ((${#left[@]} == 0)) || [[ $log != *exists* ]] || ((SECONDS >= end)); then
      say "failed: ip ${left[0]:-}"
      [[ $log != *exists* ]] || log+=$'\n'"a link of another lab has the same VNI on this machine: write another one, as link ... vni N"
      die "$log"
    fi
    ((++tries != 20)) || say "waits until links of a lab that was taken down are gone"
    rows=("${left[@]}")
    sleep 0.1
  done
}
