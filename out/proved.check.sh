#!/usr/bin/env bash
# Checks the lab "proved" that is up. Written by mpc 0.1.0 from proved.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=proved

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# === check ====================================================================
# What was checked is told in TAP: a line a test point, and below it what is wrong, or what was measured.
count=0
failed=0

(($# == 0)) || die "usage: check.sh"

# Ends the check where it cannot begin.
bail_out() { printf 'Bail out! %s\n' "$*"; exit 2; }

need_tool() { type -P "$1" >/dev/null || bail_out "the command $1 (package $2) is missing"; }

# Tells a test point: whether it holds, what was checked, and what there is to say of it.
tell() {
  local status=ok
  ((++count))
  (($1)) || { status="not ok" && ((++failed)); }
  printf '%s %d - %s\n' "$status" "$count" "$2"
  (($# == 2)) || printf '# %s\n' "${@:3}"
}

begin() {
  ((EUID == 0)) || bail_out "must run as root"
  printf 'TAP version 14\n1..%d\n' "$1"
}

finish() {
  ((failed == 0)) || printf '# %d of %d failed\n' "$failed" "$count"
  exit "$((failed > 0))"
}

# === the machine beside the plan ==============================================
# Both are told in lines of one form, so that a line of one that the other lacks is a drift.
reference=()
planned=()
queries=('link show' 'address show' 'route show table all' 'rule show')
masquerades=

# Has more asked of each namespace, for labs that have more.
ask_mptcp() { queries+=('mptcp limits' 'mptcp endpoint show'); }
ask_masquerades() { masquerades=yes; }

inside() { nsenter --net="/run/netns/$1" "${@:2}"; }

# Text without the spaces at its end.
trimmed() { printf '%s\n' "${1%"${1##*[! ]}"}"; }

# Has tc(8) show the queueing disciplines that its input makes, those of an interface after those of another, where
# nobody else sees it: it rounds there as it does in the lab, whatever its version and the kernel. COUNT.
refer() {
  local line
  while IFS= read -r line; do
    if [[ $line == *" root "* ]]; then reference+=("$line"); else reference[-1]+=$'\n'$line; fi
  done < <(unshare --net tc -batch - 2>/dev/null | queues)
  ((${#reference[@]} == $1)) || bail_out "this machine does not have all the queueing disciplines of the lab"
}

# What `tc qdisc show` tells, without counts, random seeds, and handles that the kernel chose.
queues() {
  local line
  while IFS= read -r line; do
    [[ ! $line =~ ^(.*)\ (refcnt|seed)\ [0-9]+(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    [[ ! $line =~ ^(.*)\ (refcnt|seed)\ [0-9]+(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    [[ ! $line =~ ^(qdisc\ [a-z_]+)\ [89a-f][0-9a-f]{3}:(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
    [[ $line == "qdisc noqueue "* ]] || trimmed "$line"
  done
}

# A link as `ip -o link` tells it: its MTU, its state, and the namespace at its other end; of lo, the lab's mark.
link() {
  local name flags mtu state=down
  [[ $1 =~ ^[0-9]+:\ ([^:@\ ]+)(@[^:]+)?:\ \<([^>]*)\>\ mtu\ ([0-9]+) ]] || return 0
  name=${BASH_REMATCH[1]} flags=,${BASH_REMATCH[3]}, mtu=${BASH_REMATCH[4]}
  [[ $flags != *,UP,* ]] || state=up
  [[ $flags != *,NO-CARRIER,* ]] || state="without a carrier"
  if [[ $name == lo ]]; then
    [[ ! $1 =~ \ alias\ ([^\ ]+) ]] || echo "mark ${BASH_REMATCH[1]}"
  elif [[ $1 =~ \ link-netns\ ([^\ \\]+) ]]; then
    echo "link $name mtu $mtu $state to ${BASH_REMATCH[1]}"
  else
    echo "link $name mtu $mtu $state"
  fi
}

# A route as `ip -o route` tells it, a line a next hop. Those that bear a protocol are the kernel's or a daemon's.
# (Interfaces may be called like any of its words, so the only one is taken out first; of several, none comes before.)
route() {
  local line=$1 target=${1%% *} way='' rest table='' source=''
  if [[ $line =~ ^[^\ ]+\ ((via\ [^\ ]+\ )?dev\ [^\ ]+)(.*)$ ]]; then
    way=${BASH_REMATCH[1]} rest=${BASH_REMATCH[3]}
  else
    rest=${line%%nexthop via *}
  fi
  [[ $rest != *" proto "* && $rest != *" table local "* ]] || return 0
  [[ ! $rest =~ \ table\ [^\ ]+ ]] || { table=${BASH_REMATCH[0]}; rest=${rest/"$table"/}; }
  [[ ! $rest =~ \ src\ [^\ ]+ ]] || { source=${BASH_REMATCH[0]}; rest=${rest/"$source"/}; }
  rest=${rest/ pref medium/} rest=${rest/ metric 1024/} rest=${rest// linkdown/}
  [[ $target != default || $line != *" via "*:* ]] || target=::/0
  if [[ -n $way ]]; then trimmed "route $target$source$table $way$rest"; return 0; fi
  while [[ $line =~ nexthop\ (via\ [^\ ]+\ dev\ [^\ ]+\ weight\ [0-9]+)(\ dead)?(.*)$ ]]; do
    line=${BASH_REMATCH[3]}
    [[ -n ${BASH_REMATCH[2]} ]] || echo "route $target$source$table ${BASH_REMATCH[1]}"
  done
}

# A rule as `ip rule` tells it; the kernel's own are left out.
rule() {
  local line=${1/: / }
  line=${line/from all to /to } line=${line/from all iif /iif }
  case $line in
    "0 "* | "32766 "* | "32767 "*) ;;
    *) trimmed "rule pref $line" ;;
  esac
}

# An MPTCP endpoint as `ip mptcp endpoint` tells it, its flags in one order.
endpoint() {
  local words=" $1 " flag line="endpoint ${1%% *}"
  [[ ! $words =~ \ dev\ [^\ ]+ ]] || { line+=${BASH_REMATCH[0]}; words=${words/"${BASH_REMATCH[0]}"/}; }
  [[ $words != *" implicit "* ]] || return 0
  [[ ! $words =~ \ port\ [0-9]+ ]] || line+=${BASH_REMATCH[0]}
  for flag in signal subflow fullmesh backup; do [[ $words != *" $flag "* ]] || line+=" $flag"; done
  echo "$line"
}

# A sysctl as `grep -H` tells its file; in a key, `.` and `/` have changed places.
setting() {
  local path=${1%%:*} key
  key=${path#/proc/sys/} key=${key//./,} key=${key//\//.} key=${key//,//}
  trimmed "sysctl $key = ${1#*:}"
}

# Tells what programs tell in the lines of the plan.
translate() {
  local line
  while read -r line; do
    line=${line//$'\t'/ }
    case $line in
      [0-9]*": "*": <"*) link "$line" ;;
      [0-9]*": "*" scope global"*)
        [[ ! $line =~ ^[0-9]+:\ ([^\ ]+)\ +inet6?\ ([^\ ]+) || $line == *" dynamic "* ]] ||
          echo "address ${BASH_REMATCH[2]} dev ${BASH_REMATCH[1]}" ;;
      [0-9]*": "*" inet"*) ;;
      [0-9]*": "*) rule "$line" ;;
      "add_addr_accepted "*)
        [[ ! $line =~ ^add_addr_accepted\ ([0-9]+)\ subflows\ ([0-9]+) ]] ||
          echo "limits subflows ${BASH_REMATCH[2]} add_addr_accepted ${BASH_REMATCH[1]}" ;;
      *" id "[0-9]*) endpoint "$line" ;;
      /proc/sys/*) setting "$line" ;;
      ?*) route "$line" ;;
    esac
  done
}

# The interfaces that `nft list table` tells the masquerades of.
out_of() {
  local line
  while read -r line; do
    [[ ! $line =~ ^oifname\ \"(.*)\"\ masquerade ]] || echo "masquerade ${BASH_REMATCH[1]}"
  done
}

# Tells all of a namespace that a plan speaks of: NAMESPACE SYSCTL..., which are files.
facts() {
  {
    printf '%s\n' "${queries[@]}" | inside "$1" ip -o -batch -
    inside "$1" ip -6 -o rule show
    (($# == 1)) || inside "$1" grep -H '' "${@:2}"
  } 2>/dev/null | translate || true
  inside "$1" tc qdisc show 2>/dev/null | queues || true
  [[ -z $masquerades ]] || inside "$1" nft list table inet mpc 2>/dev/null | out_of || true
}

# Namespaces are compared in parts, side by side: each turn is one of them.
CPUS=$(nproc 2>/dev/null || echo 2)
turn=0
part=0

# Has all namespaces compared, as `compare_each` says, and tells of them in their order: how many there are.
compare_all() {
  local pipes=() fd number line lines
  for ((part = 0; part < CPUS && part < $1; part++)); do
    exec {fd}< <(compare_each)
    pipes+=("$fd")
  done
  for ((number = 0; number < $1; number++)); do
    lines=()
    while IFS= read -ru "${pipes[number % CPUS]}" line && [[ -n $line ]]; do lines+=("$line"); done
    ((${#lines[@]})) || bail_out "not all namespaces could be compared"
    tell "${lines[@]}"
  done
}

# Has routes compared with the next namespace, beside what it is given: HOP TARGET...
routes() {
  local target
  ((turn % CPUS == part)) || return 0
  for target in "${@:2}"; do planned+=("route $target $1"); done
}

# Compares a namespace with the lines of its plan, which are its input, and has `compare_all` tell of it.
compare() {
  local ns=$1 line key missing=() unexpected=() sysctls=() names=" "
  local -A wanted=() present=()
  ((turn++ % CPUS == part)) || return 0
  for line in "${planned[@]}"; do wanted[$line]=1; done
  while IFS= read -r line; do
    case $line in
      "qdisc "*) read -r _ line key <<<"$line" && line=${reference[key]//" dev lo "/" dev $line "} ;;
      "sysctl "*) read -r _ key _ <<<"$line" && key=${key//\//,} && key=${key//.//}
        sysctls+=("/proc/sys/${key//,/.}") ;;
      "link "*) read -r _ key _ <<<"$line" && names+="$key " ;;
      "limits "*) names+="/limits " ;;
    esac
    while IFS= read -r key; do planned+=("$key") wanted[$key]=1; done <<<"$line"
  done
  if [[ ! -e /run/netns/$ns ]]; then
    missing=("missing: the namespace $ns")
  else
    while IFS= read -r line; do
      present[$line]=1
      [[ -n ${wanted[$line]:-} ]] || is_none "$line" "$names" || unexpected+=("unexpected: $line")
    done < <(facts "$ns" "${sysctls[@]}")
    for line in "${planned[@]}"; do [[ -n ${present[$line]:-} ]] || missing+=("missing: $line"); done
  fi
  printf '%s\n' "$((${#missing[@]} + ${#unexpected[@]} == 0))" "the namespace $ns is as planned" \
    "${missing[@]}" "${unexpected[@]}" ""
  planned=()
}

# Whether a line that is not planned is no drift: MPTCP limits where none are set, and interfaces that are down, as
# some modules make in every namespace.
is_none() {
  local name
  read -r _ name _ <<<"$1"
  [[ $1 == "limits "* && $2 != *" /limits "* ]] || [[ $1 == "link "*" down"* && $2 != *" $name "* ]]
}

# === however the script ends ==================================================
started=()

# Has `undo` called however the script ends. (Where a signal comes while bash 5.2 expands a command substitution, it
# reads the trap as if that were in one, up to a `)`. Otherwise the first line is done before the second is read.)
guard() {
  local signal
  trap 'end "$?"' EXIT
  for signal in 1 2 15; do trap -- "end $((128 + signal))"$'\n)' "$signal"; done # HUP INT TERM
}

# Undoes what there is to undo, and ends the script with a status, whatever signals follow the one that asks for it.
end() {
  trap '' HUP INT TERM
  trap - EXIT ERR
  undo
  exit "$1"
}

# Asks processes to end: PID...
dismiss() { (($# == 0)) || kill "$@" 2>/dev/null || true; }

# === what the script starts ends with it ======================================
scratch=

# Ends all that was started.
stop() {
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  started=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  scratch=$(mktemp -d)
}

# Takes that away.
undo() {
  stop
  rm -rf "$scratch"
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 &
  started+=("$!")
}

# === what pings tell ==========================================================
# Pings go side by side, some at a time, and what they tell is judged in the order in which it was asked.
AT_ONCE=50
asked=()
claims=()
answers=()

# Asks for an address: SOURCE TARGET WHAT CLAIM LEAST MOST ADDRESS...; the source and the target are namespaces.
ask() {
  local address fd fds='' pings=(-c 3 -w 3)
  [[ $4 != unreachable ]] || pings=(-c 3 -W 1)
  [[ $4 != rtt ]] || pings=(-c 10 -w 10)
  for address in "${@:7}"; do
    exec {fd}< <(exec nsenter --net="/run/netns/$1" ping -nq -i 0.2 "${pings[@]}" "$address" 2>&1)
    started+=("$!")
    fds+=" $fd $address"
  done
  asked+=("$3") claims+=("$4 $5 $6 $1 $2") answers+=("$fds")
  ((${#asked[@]} < AT_ONCE)) || judge
}

# Judges all that was asked.
judge() {
  local i claim least most source target
  for i in "${!asked[@]}"; do
    read -r claim least most source target <<<"${claims[i]}"
    if [[ -e /run/netns/$source && -e /run/netns/$target ]]; then
      judge_one "${asked[i]}" "$claim" "$least" "$most" "${answers[i]}"
    else
      tell 0 "${asked[i]}" "the lab is not up"
    fi
  done
  asked=() claims=() answers=()
  stop
}

# Judges the answers of all addresses of one claim: WHAT CLAIM LEAST MOST "FD ADDRESS ...".
judge_one() {
  local text address fd holds=1 told=() rest=$5 time
  while read -r fd address rest <<<"$rest" && [[ -n $fd ]]; do
    IFS= read -rd '' -u "$fd" text || true
    exec {fd}<&-
    time=$(fastest "$text")
    case $2-$time in
      reachable- | rtt-) holds=0 && told+=("$address does not answer") ;;
      unreachable-?*) holds=0 && told+=("$address answers") ;;
      rtt-*)
        ((time >= $3 && time <= $4)) || holds=0
        told+=("$address: $((time / 1000)).$(printf %03d $((time % 1000))) ms at the fastest") ;;
    esac
  done
  tell "$holds" "$1" "${told[@]}"
}

# The time of the fastest round trip of a ping, in microseconds; nothing where no answer came.
fastest() {
  if [[ $1 =~ =\ ([0-9]+)\.([0-9]{3})/ ]]; then
    echo $((10#${BASH_REMATCH[1]} * 1000 + 10#${BASH_REMATCH[2]}))
  fi
}

# === transfers ================================================================
PORT=5379
received=0
said=
refused=" "

# Has iperf3 send from one namespace to another: SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL OPTION...
# `received` is then what came there, in kbit/s, or `said` is why none did. CONTROL is the congestion control, or `-` for
# the namespace's own, which is taken too where the kernel refuses CONTROL to such a connection.
transfer() {
  local wrap=() options=(-c "$3" -p "$PORT" -P "$5" -f k "${@:8}") tries=0 server
  [[ $7 == - || $refused == *" $4:$7 "* ]] || options+=(-C "$7")
  [[ $4 != mptcp ]] || wrap=(mptcpize run)
  [[ $4 != udp ]] || options+=(-u -b "$6")
  received=0 said=
  begin_in server "$2" "${wrap[@]}" iperf3 -s -1 -p "$PORT"
  server=$!
  while :; do
    begin_in client "$1" "${wrap[@]}" iperf3 "${options[@]}"
    wait "$!" || true
    if [[ $(<"$scratch/client") != *"Connection refused"* ]] || ((++tries == 50)); then break; fi
    sleep 0.1
  done
  kill "$server" 2>/dev/null || true
  wait "$server" || true
  read_report
  drain "$1"
  [[ $said != *"congestion control"* || $refused == *" $4:$7 "* ]] || { refuse "$1" "$4" "$7" && transfer "$@"; }
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
    [[ -n $(nsenter --net="/run/netns/$1" ss -HtMn dport = ":$PORT" 2>/dev/null) ]] || break
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
  ((received)) || : "${said:=nothing was received}"
}

# Kbit/s as Mbit/s.
mbit() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }

# === what transfers tell ======================================================
# Tries whether enough is received, three times at most, as a busy machine takes from a rate and never adds to it:
# WHAT LEAST SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL.
throughput() {
  local try most=0
  [[ -e /run/netns/$3 && -e /run/netns/$4 ]] || { tell 0 "$1" "the lab is not up"; return 0; }
  for try in 1 2 3; do
    transfer "${@:3}" -t 5 -O 2
    stop
    ((received <= most)) || most=$received
    ((most * 1000 < $2)) || break
  done
  tell "$((most * 1000 >= $2))" "$1" "$(mbit "$most") Mbit/s at the best of $try${said:+, and then: $said}"
}

# === the lab ==================================================================
ask_mptcp
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool ping iputils-ping
need_tool ss iproute2
need_tool iperf3 iperf3
need_tool mptcpize mptcpize
prepare
begin 9
refer 2 <<'END'
qdisc add dev lo root handle 1: tbf rate 5mbit burst 6056b limit 15625b
qdisc show
qdisc del dev lo root
qdisc add dev lo root handle 1: netem limit 13 delay 2ms rate 5mbit
qdisc show
qdisc del dev lo root
END

compare_each() {

compare proved-a <<'END'
mark mpc:proved
link c mtu 1500 up to proved-c
link d mtu 1500 up to proved-d
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.mptcp.enabled = 1
sysctl net.ipv4.tcp_notsent_lowat = 4096
address 10.219.189.202/32 dev lo
address 10.39.131.69/30 dev c
address 10.86.184.181/30 dev d
route 10.249.89.74 src 10.219.189.202 via 10.39.131.70 dev c weight 1
route 10.249.89.74 src 10.219.189.202 via 10.86.184.182 dev d weight 1
route 10.208.122.226 src 10.219.189.202 via 10.39.131.70 dev c
route 10.240.22.137 src 10.219.189.202 via 10.86.184.182 dev d
route 10.52.126.100/30 via 10.39.131.70 dev c
route 10.75.138.208/30 via 10.86.184.182 dev d
route 10.249.89.74 table 25203 via 10.39.131.70 dev c
route 10.52.126.101 table 25203 via 10.39.131.70 dev c
route 10.75.138.209 table 25203 via 10.39.131.70 dev c
route 10.249.89.74 table 41363 via 10.86.184.182 dev d
route 10.52.126.101 table 41363 via 10.86.184.182 dev d
route 10.75.138.209 table 41363 via 10.86.184.182 dev d
rule pref 1100 to 10.52.126.101 lookup 25203
rule pref 1100 to 10.75.138.209 lookup 41363
rule pref 1200 from 10.39.131.69 lookup 25203
rule pref 1200 from 10.86.184.181 lookup 41363
limits subflows 4 add_addr_accepted 0
endpoint 10.39.131.69 dev c subflow
endpoint 10.86.184.181 dev d subflow
qdisc c 0
qdisc d 0
END

compare proved-b <<'END'
mark mpc:proved
link c mtu 1500 up to proved-c
link d mtu 1500 up to proved-d
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.mptcp.enabled = 1
sysctl net.ipv4.tcp_notsent_lowat = 4096
address 10.249.89.74/32 dev lo
address 10.52.126.101/30 dev c
address 10.75.138.209/30 dev d
route 10.219.189.202 src 10.249.89.74 via 10.52.126.102 dev c weight 1
route 10.219.189.202 src 10.249.89.74 via 10.75.138.210 dev d weight 1
route 10.208.122.226 src 10.249.89.74 via 10.52.126.102 dev c
route 10.240.22.137 src 10.249.89.74 via 10.75.138.210 dev d
route 10.39.131.68/30 via 10.52.126.102 dev c
route 10.86.184.180/30 via 10.75.138.210 dev d
route 10.219.189.202 table 25203 via 10.52.126.102 dev c
route 10.39.131.69 table 25203 via 10.52.126.102 dev c
route 10.86.184.181 table 25203 via 10.52.126.102 dev c
route 10.219.189.202 table 41363 via 10.75.138.210 dev d
route 10.39.131.69 table 41363 via 10.75.138.210 dev d
route 10.86.184.181 table 41363 via 10.75.138.210 dev d
rule pref 1100 to 10.39.131.69 lookup 25203
rule pref 1100 to 10.86.184.181 lookup 41363
rule pref 1200 from 10.52.126.101 lookup 25203
rule pref 1200 from 10.75.138.209 lookup 41363
limits subflows 4 add_addr_accepted 0
endpoint 10.52.126.101 dev c subflow
endpoint 10.75.138.209 dev d subflow
qdisc c 0
qdisc d 0
END

compare proved-c <<'END'
mark mpc:proved
link a mtu 1500 up to proved-a
link b mtu 1500 up to proved-b
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.208.122.226/32 dev lo
address 10.39.131.70/30 dev a
address 10.52.126.102/30 dev b
route 10.219.189.202 src 10.208.122.226 via 10.39.131.69 dev a
route 10.249.89.74 src 10.208.122.226 via 10.52.126.101 dev b
route 10.86.184.181 via 10.39.131.69 dev a
route 10.75.138.209 via 10.52.126.101 dev b
qdisc a 0
qdisc b 1
END

compare proved-d <<'END'
mark mpc:proved
link a mtu 1500 up to proved-a
link b mtu 1500 up to proved-b
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.240.22.137/32 dev lo
address 10.86.184.182/30 dev a
address 10.75.138.210/30 dev b
route 10.219.189.202 src 10.240.22.137 via 10.86.184.181 dev a
route 10.249.89.74 src 10.240.22.137 via 10.75.138.209 dev b
route 10.39.131.69 via 10.86.184.181 dev a
route 10.52.126.101 via 10.75.138.209 dev b
qdisc a 0
qdisc b 1
END
}
compare_all 4

ask proved-a proved-b 'a -> b reachable' reachable 0 0 10.249.89.74
ask proved-b proved-a 'b -> a reachable' reachable 0 0 10.219.189.202
ask proved-a proved-b 'a -> b rtt 2ms..30ms' rtt 2000 30000 10.249.89.74
ask proved-c proved-d 'c -> d unreachable' unreachable 0 0 10.240.22.137
judge
throughput 'a -> b rate >= 8mbit using mptcp' 8000000 proved-a proved-b 10.249.89.74 mptcp 1 6250000 cubic
finish
}
