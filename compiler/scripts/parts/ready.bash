# === what is started becomes ready ============================================

# Waits half a minute at most until a command succeeds. Meanwhile another is asked each second whether that can
# still be: ASK NAME COMMAND...
await_ready() {
  local began=$SECONDS now=$SECONDS said=$SECONDS
  until "${@:3}" >/dev/null 2>&1 </dev/null {lock}>&-; do
    ((SECONDS < began + 30)) || return 1
    ((SECONDS == now)) || "$1" "$2"
    now=$SECONDS
    ((now < said + 5)) || {
      say "waiting for $2 to be ready"
      said=$now
    }
    sleep 0.1
  done
}

# Prints words as one would write them for bash, those that need it in quotes.
quoted() {
  local one list=()
  for one in "$@"; do
    [[ $one =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || one=${one@Q}
    list+=("$one")
  done
  echo "${list[*]}"
}

# Whether something listens at a TCP port of a namespace: NAMESPACE PORT.
listens() { [[ -n $(nsenter --net="/run/netns/$1" ss -Hltn sport = ":$2") ]]; }
