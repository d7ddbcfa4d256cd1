# === transfers ================================================================
PORT=5379
# That of the servers which nodes have for transfers that other machines open.
SERVED=5380
port=
received=0
said=
refused=" "
# What iperf3 is to tell while it measures, as options.
reporting=()

# Whether nobody else measures in the lab now, nor begins to before this script ends: a NAMESPACE of it.
be_alone() {
  { exec {alone}<"/etc/netns/$1"; } 2>/dev/null || return 0
  flock -n "$alone"
}

# Has iperf3 send from one namespace to another: SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL OPTION...
# `received` is then what came there, in kbit/s, or `said` is why none did. CONTROL is the congestion control, or `-` for
# the namespace's own, which is taken too where the kernel refuses CONTROL to such a connection. TARGET is `-` on another
# machine, where a server waits.
transfer() {
  local wrap=() bound=() options tries=0 server=
  choose_port "$2"
  options=(-c "$3" -p "$port" -P "$5" -f k "${reporting[@]}" "${@:8}")
  [[ $7 == - || $refused == *" $4:$7 "* ]] || options+=(-C "$7")
  [[ $4 != mptcp ]] || wrap=(mptcpize run)
  [[ $4 != udp ]] || options+=(-u -b "$6") bound=(-B "$3")
  received=0 said=
  if [[ $2 != - ]]; then
    begin_in server "$2" "${wrap[@]}" iperf3 -s -1 "${bound[@]}" -p "$port" -f k "${reporting[@]}"
    server=$!
  elif ((${#reporting[@]})) && [[ " $* " != *" -R "* ]]; then
    options+=(--get-server-output)
  fi
  while :; do
    begin_in client "$1" "${wrap[@]}" iperf3 "${options[@]}"
    wait "$!" || true
    ((++tries < $(patience "$(<"$scratch/client")"))) || break
    sleep 0.1
  done
  if [[ $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  read_report
  drain "$1"
  [[ $said != *"congestion control"* || $refused == *" $4:$7 "* ]] || { refuse "$1" "$4" "$7" && transfer "$@"; }
}

# Sets `port` to that of the server in a namespace, `-` being one of another machine.
choose_port() { if [[ $1 == - ]]; then port=$SERVED; else port=$PORT; fi; }

# How often a client is to try that says so: until a server listens, and until it has done what others ask of it. One that
# has just done that drops what has come meanwhile.
patience() {
  case $1 in
    *" connected to "*) echo 1 ;;
    *"Connection refused"* | *"Connection reset"* | *"control socket has closed"*) echo 50 ;;
    *"server is busy"*) echo 600 ;;
    *) echo 1 ;;
  esac
}

# Notes that a congestion control is not to be had: NAMESPACE PROTOCOL CONTROL.
refuse() {
  local own
  own=$(nsenter --net="/run/netns/$1" cat /proc/sys/net/ipv4/tcp_congestion_control)
  say "warning: this machine has no $3 for $2, so $own is measured in its place"
  refused+="$2:$3 "
}

# Waits until what a program that has ended still had to send is sent, for 10 seconds at most.
drain() {
  local _
  for _ in {1..100}; do
    [[ -n $(nsenter --net="/run/netns/$1" ss -HtMn dport = ":$port" 2>/dev/null) ]] || break
    sleep 0.1
  done
}

# Reads what a client says that its server received.
read_report() {
  local line
  while read -r line; do
    if [[ $line =~ ([0-9]+)(\.[0-9]+)?\ Kbits/sec.*\ receiver ]]; then received=${BASH_REMATCH[1]}; fi
    if [[ $line == *"error - "* ]]; then said=${line#*error - }; fi
  done <"$scratch/client"
  ((received)) || { need_room && : "${said:=nothing was received}"; }
}

# Kbit/s as Mbit/s.
mbit() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }
