# === namespaces of containers that ran before =================================
# Such a namespace has a name while the lab is up. What is added to it goes by what up has noted in the lab's folder:
# NAME.undo, rows of commands, and NAME.sysctls, all that it had. The claim has `attached NAME` for each.
ATTACHED+=()

# Names the namespace of a process, having noted these: NAME PID, and the rows are the input.
adopt() {
  local row enter=(nsenter --net="/proc/$2/ns/net")
  # (Some sysctls cannot be read.)
  "${enter[@]}" grep -rsH '' /proc/sys/net/{core,ipv4,ipv6,mptcp} >"$RUNS/$1.sysctls" || [[ -s $RUNS/$1.sysctls ]] || return
  while IFS= read -r row; do
    [[ $row != limits ]] || row="ip mptcp limits set $("${enter[@]}" ip mptcp limits)" || return
    printf '%s\n' "$row"
  done >"$RUNS/$1.undo" || return
  ip netns attach "$1" "$2"
}

# Takes away what was added to a namespace, and has it as it was: NAME.
release() {
  local row log left=0
  [[ -e $RUNS/$1.undo && -e /run/netns/$1 ]] || return 0
  while IFS= read -r row; do
    log=$(undo_row "$1" "$row" 2>&1 </dev/null) || is_gone "$log" || {
      say "cannot take this back in $1: $row: $log"
      left=1
    }
  done <"$RUNS/$1.undo"
  nsenter --net="/run/netns/$1" bash -c "$(declare -f put_back)"$'\nput_back "$1"' bash "$RUNS/$1.sysctls" || {
    say "not all sysctls of $1 are as they were"
    left=1
  }
  return "$left"
}

# Does what a row says: NAME ROW. `endpoint ADDRESS` is one whose number is to be found.
undo_row() {
  local address id enter=(nsenter --net="/run/netns/$1") words told
  read -ra words <<<"$2"
  if [[ ${words[0]} == endpoint ]]; then
    told=$("${enter[@]}" ip mptcp endpoint show) || { echo "$told" && return 1; }
    while read -r address _ id _; do
      [[ $address != "${words[1]}" ]] || "${enter[@]}" ip mptcp endpoint delete id "$id" || return 1
    done <<<"$told"
  else
    "${enter[@]}" "${words[@]}"
  fi
}

# Whether a tool says that there is nothing to take away.
is_gone() {
  case $1 in
    *"Cannot find device"* | *"No such "* | *"does not exist"*) ;;
    *"Cannot assign requested address"* | *"ddress not found"*) ;;
    *) return 1 ;;
  esac
}

# Sets the sysctls of a file to what they were. Some set others, so that it looks again.
put_back() {
  local line path value now _ differ
  for _ in 1 2 3 4; do
    differ=0
    while IFS= read -r line; do
      path=${line%%:*} value=${line#*:}
      [[ -w $path ]] && { IFS= read -r now <"$path"; } 2>/dev/null && [[ $now != "$value" ]] || continue
      differ=1
      printf '%s\n' "$value" >"$path"
    done <"$1"
    ((differ)) || return 0
  done
  return 1
}

# Whether a process, or its thread, in a namespace of a container is one that the lab has started: NAME PID.
is_started() { grep -qszx "MPC_NETNS=$1" "/proc/$2/environ"; }
