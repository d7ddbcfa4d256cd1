#!/usr/bin/env bash
# Measures the lab "proved" that is up. Written by mpc 0.1.0 from proved.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=proved
NAMESPACES=(
  proved-a
  proved-b
  proved-c
  proved-d
)

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# === what bench and play share ================================================
began=0
now=0

need_tool() { type -P "$1" >/dev/null || die "the command $1 (package $2) is missing"; }

# Sets `now` to the time since the clock was set, in hundredths of a second.
clock() {
  local time
  read -r time _ </proc/uptime
  now=$((10#${time/./} - began))
}

# Sets the clock to nothing.
set_clock() {
  began=0
  clock
  began=$now
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

# === bench ====================================================================
# What is measured goes to standard output, and how far the bench has come to standard error.
# Bytes of a packet on average, below which all are acknowledgements.
ACK=150
REPEAT=3
FORM=table
rows=()
nodes=()
moved=()
arrived=0
events=()
counted=
failures=0

usage() { say "usage: bench.sh [--tsv | --json] [--repeat N]"; exit 2; }

while (($#)); do
  case $1 in
    --tsv | --json) FORM=${1#--} ;;
    --repeat) [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || usage; REPEAT=$2; shift ;;
    *) usage ;;
  esac
  shift
done
((EUID == 0)) || die "must run as root"

# Notes the nodes of the lab, in the order of their namespaces, and ends here where those are not there.
need_nodes() {
  local ns
  nodes=("$@")
  for ns in "${NAMESPACES[@]}"; do [[ -e /run/netns/$ns ]] || die "the lab is not up: there is no namespace $ns"; done
}

# Notes a transfer: SOURCE TARGET PREDICTED SECONDS NAMESPACE NAMESPACE ADDRESS PROTOCOL FLOWS OFFERED CONTROL. Rates are
# bits a second, and a prediction that nothing bounds is `-`.
row() { rows+=("$*"); }

# What came in and went out by each interface of the lab: `NODE:INTERFACE BYTES-IN BYTES-OUT PACKETS-OUT`.
count_bytes() {
  local i name in out packets
  for i in "${!nodes[@]}"; do
    while IFS=$' \t:' read -r name in _ _ _ _ _ _ _ out packets _; do
      [[ $name == lo || ! $out =~ ^[0-9]+$ ]] || echo "${nodes[i]}:$name $in $out $packets"
    done < <(nsenter --net="/run/netns/${NAMESPACES[i]}" cat /proc/net/dev)
  done
}

# Puts the time since now before each line, and a dot after the last.
stamp() {
  local line
  set_clock
  while read -r line; do clock && echo "$now $line"; done
  echo .
}

# Has the kernel tell of subflows that come and go in a namespace, and ss(8) after some seconds how many there are.
watch_subflows() {
  nsenter --net="/run/netns/$1" ip mptcp monitor </dev/null > >(stamp >"$scratch/events") 2>/dev/null &
  started+=("$!")
  begin_in sockets "$1" bash -c "sleep $2; ss -Mni dport = :$PORT"
}

# Waits until the kernel has told the end of each connection that it told of, for 2 seconds at most: it tells none of one
# that the other end closes before it has read all (MP_FASTCLOSE).
await_ends() {
  local _ line token
  local -A open
  for _ in {1..20}; do
    open=()
    while read -r line; do
      [[ $line =~ \[\ *(ESTABLISHED|CLOSED)\]\ token=([0-9a-f]+) ]] || continue
      token=${BASH_REMATCH[2]}
      if [[ ${BASH_REMATCH[1]} == CLOSED ]]; then unset "open[$token]"; else open[$token]=1; fi
    done <"$scratch/events"
    ((${#open[@]})) || return 0
    sleep 0.1
  done
}

# Reads what was told of subflows into `events`: `HUNDREDTHS EVENT SOURCE TARGET`, and into `counted`. The first
# connection of iperf3 is for its control, and is left out, as is what was never established.
read_events() {
  local line time name token number control=''
  local -A known=()
  events=() counted=
  while read -r line; do
    [[ $line =~ ^([0-9]+)\ \[\ *([A-Z_]+)\]\ token=([0-9a-f]+)(.*)$ ]] || continue
    time=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} token=${BASH_REMATCH[3]} line=${BASH_REMATCH[4]}
    [[ $name != ESTABLISHED ]] || { [[ -n $control ]] && known[$token]=1; } || control=$token
    [[ -z ${known[$token]:-} ]] || events+=("$time $name $(field saddr "$line") $(field daddr "$line")")
  done <"$scratch/events"
  while read -r line; do
    [[ $line =~ (^|\ )token:([0-9a-f]+) && -n ${known[${BASH_REMATCH[2]}]:-} ]] || continue
    number=0
    [[ ! $line =~ (^|\ )subflows:([0-9]+) ]] || number=${BASH_REMATCH[2]}
    ((number <= ${counted:--1})) || counted=$number
  done <"$scratch/sockets"
}

# The address that an event of `ip mptcp monitor` has under a name, or `-`.
field() {
  if [[ $2 =~ \ $1[46]=([^\ ]+) ]]; then echo "${BASH_REMATCH[1]}"; else echo -; fi
}

# Measures a row: ROUND, and its words. What there is to tell of it is in `received`, `arrived` (both in kbit/s),
# `moved` (what each interface sent, in kbit/s; those that sent nothing but acknowledgements are left out), `events`
# and `counted`.
measure() {
  local name in out packets was_in was_out was_packets
  local -A before=()
  : >"$scratch/events"
  : >"$scratch/sockets"
  [[ $9 != mptcp ]] || watch_subflows "$6" "$(($5 / 2))"
  while read -r name in; do before[$name]=$in; done < <(count_bytes)
  transfer "${@:6}" -t "$5"
  moved=() arrived=0
  while read -r name in out packets; do
    read -r was_in was_out was_packets <<<"${before[$name]:-0 0 0}"
    in=$((in - was_in)) out=$((out - was_out)) packets=$((packets - was_packets))
    [[ ${name%%:*} != "$3" ]] || arrived=$((arrived + in * 8 / 1000 / $5))
    ((out < received * $5 || out < packets * ACK)) || moved+=("$name=$((out * 8 / 1000 / $5))")
  done < <(count_bytes)
  [[ $9 != mptcp ]] || await_ends
  stop
  [[ $9 != mptcp ]] || until [[ $(<"$scratch/events") == *. ]]; do sleep 0.02; done
  read_events
}

# Measures all rows, round after round, so that what changes on the machine meets all of them.
run_all() {
  local round i words
  prepare
  case $FORM in tsv) tsv_head ;; json) json_head ;; *) table_head ;; esac
  for ((round = 1; round <= REPEAT; round++)); do
    for i in "${!rows[@]}"; do
      read -ra words <<<"${rows[i]}"
      say "round $round of $REPEAT, transfer $((i + 1)) of ${#rows[@]}: $(called "${words[@]}"), ${words[3]} s"
      measure "$round" "${words[@]}"
      [[ -z $said ]] || { say "warning: $said" && ((++failures)); }
      case $FORM in tsv) tsv_one "$round" "$i" "${words[@]}" ;; json) json_one "$round" "$i" "${words[@]}" ;; *) table_one "$round" "$i" "${words[@]}" ;; esac
    done
  done
  case $FORM in tsv) tsv_end ;; json) json_end ;; *) table_end ;; esac
  exit "$((failures > 0))"
}

# === what a bench tells =======================================================
# Each form has a head, something to tell or to keep of each measurement (ROUND NUMBER, and the words of its row), and
# an end. Tables are in Mbit/s, and what programs read in bits a second.
told=0
declare -A rates=() wires=() paths=() subflows=() counts=()

# What a row is called: SOURCE TARGET _ _ _ _ _ PROTOCOL FLOWS.
called() {
  local flows=
  (($9 == 1)) || flows=" $9"
  echo "$1 -> $2 using $8$flows"
}

hundredths() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

tsv_head() { printf '%s\t' round source target transfer flows seconds predicted received arrived; echo interfaces; }

tsv_one() {
  printf '%s\t' "$1" "$3" "$4" "${10}" "${11}" "$6" "$5" "$((received * 1000))" "$((arrived * 1000))"
  local one words=()
  for one in "${moved[@]}"; do words+=("${one%=*}=$((${one#*=} * 1000))"); done
  echo "${words[*]}"
}

tsv_end() { :; }

json_head() { printf '['; }

json_one() {
  local one comma='' time name source target
  ((told++ == 0)) || printf ','
  printf '\n{"round": %d, "source": "%s", "target": "%s", "transfer": "%s", ' "$1" "$3" "$4" "${10}"
  printf '"flows": %d, "seconds": %d, "predicted": %s, ' "${11}" "$6" "${5/#-/null}"
  printf '"received": %d, "arrived": %d, "interfaces": {' "$((received * 1000))" "$((arrived * 1000))"
  for one in "${moved[@]}"; do
    printf '%s"%s": %d' "$comma" "${one%=*}" "$((${one#*=} * 1000))"
    comma=', '
  done
  printf '}, "events": ['
  comma=
  for one in "${events[@]}"; do
    read -r time name source target <<<"$one"
    printf '%s{"seconds": %s, "event": "%s", ' "$comma" "$(hundredths "$time")" "$name"
    printf '"source": "%s", "target": "%s"}' "$source" "$target"
    comma=', '
  done
  printf '], "subflows": %s}' "${counted:-null}"
}

json_end() { printf '\n]\n'; }

table_head() { :; }

table_one() {
  rates[$2]+=" $received" wires[$2]+=" $arrived" paths[$2]=${moved[*]} subflows[$2]=$(printf '%s\n' "${events[@]}")
  counts[$2]=$counted
}

# The lowest, the middle and the highest of some numbers.
spread() {
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo "${sorted[0]} ${sorted[$# / 2]} ${sorted[-1]}"
}

table_end() {
  local i words low middle high wire list predicted
  printf '%-32s %10s %10s %18s %10s\n' "Mbit/s" predicted received "least .. most" arrived
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    read -ra list <<<"${rates[$i]}" && read -r low middle high < <(spread "${list[@]}")
    read -ra list <<<"${wires[$i]}" && read -r _ wire _ < <(spread "${list[@]}")
    predicted=${words[2]}
    [[ $predicted == - ]] || predicted=$(mbit "$((predicted / 1000))")
    printf '%-32s %10s %10s %18s %10s\n' "$(called "${words[@]}")" "$predicted" "$(mbit "$middle")" \
      "$(mbit "$low") .. $(mbit "$high")" "$(mbit "$wire")"
  done
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    details "$i" "${words[@]}"
  done
}

# Tells on which paths the bytes of the last round of a row went, and when its subflows came and went.
details() {
  local one list time name source target
  read -ra list <<<"${paths[$1]}"
  printf '\n%s, the last time:\n' "$(called "${@:2}")"
  for one in "${list[@]}"; do printf '  %8s Mbit/s sent by %s\n' "$(mbit "${one#*=}")" "${one%=*}"; done
  [[ -z ${counts[$1]} ]] || printf '  %8s subflows beside the first, half-way, says ss\n' "${counts[$1]}"
  [[ -z ${subflows[$1]} ]] || while read -r time name source target; do
    printf '  %8s s %s %s -> %s\n' "$(hundredths "$time")" "$name" "$source" "$target"
  done <<<"${subflows[$1]}"
}

# === the lab ==================================================================
need_tool ip iproute2
need_tool nsenter util-linux
need_tool ss iproute2
need_tool iperf3 iperf3
need_tool mptcpize mptcpize
need_nodes a b c d
row a b 4782034 5 proved-a proved-b 10.249.89.74 tcp 1 6250000 cubic
row a b 9526709 5 proved-a proved-b 10.249.89.74 tcp 8 6250000 cubic
row a b 9379128 5 proved-a proved-b 10.249.89.74 mptcp 1 6250000 cubic
row b a 4861295 10 proved-b proved-a 10.219.189.202 udp 1 6250000 -
run_all
}
