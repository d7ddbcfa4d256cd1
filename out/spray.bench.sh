#!/usr/bin/env bash
# Measures the lab "spray" that is up. Written by mpc 0.1.0 from spray.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 abe536814b506da934ffa6c95e3c67e300bbf0fde476bbd45ce6149d951a9a1a
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE
export LC_ALL=C
umask 022
trap '' PIPE

LAB='spray'
IFS= read -rd '' USAGE <<'END' || true
usage: bench.sh [--tsv | --json] [--repeat N]
Measures the lab "spray" that is up.
  --tsv, --json  prints values separated by tabs, or JSON, and no table
  --repeat N     measures everything N times (3)
END
NAMESPACES=(
  spray-a
  spray-b
  spray-c
  spray-d
  spray-e
)

# === the lab ==================================================================

needs() {
need_tool ip iproute2
need_tool nsenter util-linux
need_tool ss iproute2
need_tool iperf3 iperf3
need_tool flock util-linux
need_nodes a b c d e
}

transfers() {
row a b 19128137,19128137,19128137 5 spray-a spray-b 10.249.89.74 tcp 1 25000000 cubic
row a b 19445178,19445178,19445178 5 spray-a spray-b 10.249.89.74 udp 1 25000000 -
}

# === the runtime of mpc 0.1.0, for bench ======================================

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Says that the script is not called like this.
misuse() { say "error: $1; ${USAGE%%$'\n'*}"; exit 2; }
if [[ ${1:-} == --help || ${1:-} == -h ]]; then printf '%s' "$USAGE"; exit 0; fi

# === what check, bench and play share =========================================
# (Before 4.4, bash takes an empty array for one that is not set.)
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  say "error: this needs bash 4.4 or later, and here it is run by bash $BASH_VERSION"
  exit 2
fi

# Tells some lines. Where nobody reads them any more, the script ends as if by SIGPIPE.
out() {
  printf '%s\n' "$@" 2>/dev/null || {
    [[ -p /dev/stdout || -S /dev/stdout ]] || say "error: what there is to tell cannot be written"
    exit 141
  }
}

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

# Undoes what there is to undo, and ends the script with a status, whatever signals follow the one that asks for it. (A
# child that is asked to end before it has become another program has these traps still, and nothing to undo.)
end() {
  trap '' HUP INT TERM
  trap - EXIT ERR
  [[ $BASHPID != "$$" ]] || undo
  exit "$1"
}

# Asks processes to end: PID...
dismiss() { (($# == 0)) || kill "$@" 2>/dev/null || true; }

# === what the script starts ends with it ======================================
scratch=
# What is to be told at the end, however the script ends.
closing=:
# What only this script has open.
alone=

# Ends all that was started.
stop() {
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  started=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  scratch=$(mktemp -d) || exit 2
  need_room
  exec {alone}</dev/null
}

# Ends the script where that folder has no room for what programs say, which would be lost, or for iperf3's buffers.
need_room() {
  { printf '%1048576s' '' >"$scratch/room" && rm "$scratch/room"; } 2>/dev/null || {
    say "error: there is no room in ${scratch%/*}; TMPDIR may name another folder"
    exit 2
  }
}

# Takes that away.
undo() {
  stop
  rm -rf "$scratch"
  "$closing"
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 {alone}<&- &
  started+=("$!")
}

# === transfers ================================================================
PORT=5379
received=0
said=
refused=" "

# Whether nobody else measures in the lab now, nor begins to before this script ends: a NAMESPACE of it.
be_alone() {
  { exec {alone}<"/etc/netns/$1"; } 2>/dev/null || return 0
  flock -n "$alone"
}

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
  ((received)) || { need_room && : "${said:=nothing was received}"; }
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
odds=()
nodes=()
moved=()
arrived=0
events=()
counted=
failures=0

while (($#)); do
  case $1 in
    --tsv | --json) FORM=${1#--} ;;
    --repeat) [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || misuse "--repeat takes a number, 1 to 9999"; REPEAT=$2; shift ;;
    *) misuse "no such option: $1" ;;
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

# Notes a transfer: SOURCE TARGET PREDICTED SECONDS NAMESPACE NAMESPACE ADDRESS PROTOCOL FLOWS OFFERED CONTROL OPTION...
# Rates are bits a second. A prediction is an average and a range, MEAN,LOW,HIGH; `-` is one that nothing bounds, and `?`
# that there is none.
row() { rows+=("$*"); }

# Notes how likely is what is predicted of the last transfer.
likely() { odds[${#rows[@]} - 1]=$1; }

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

# Prints what ss(8) tells of the MPTCP connections to a port, for bash: SECONDS PORT. It asks after some seconds, and
# until both connections of iperf3 are there. (The wait is a read of what nobody writes: a sleep would outlive the shell
# that is asked to end.)
# shellcheck disable=SC2016 # Expanded by that shell.
COUNT='wait=$1 found=
until [[ $found == *token:*token:* ]]; do
  read -rt "$wait" <> <(:)
  wait=0.2 found=$(ss -Mni dport = ":$2")
done
echo "$found"'

# Has the kernel tell of subflows that come and go in a namespace, and how many there are after some seconds.
watch_subflows() {
  nsenter --net="/run/netns/$1" ip mptcp monitor </dev/null > >(stamp >"$scratch/events") 2>/dev/null &
  started+=("$!")
  begin_in sockets "$1" bash -c "$COUNT" - "$2" "$PORT"
}

# Waits until the kernel has told the end of each connection that it told of, for 2 seconds at most: it tells none of one
# that the other end closes before it has read all (MP_FASTCLOSE).
await_ends() {
  local _ line token
  local -A open
  for _ in {1..20}; do
    open=()
    while read -r line; do
      [[ $line =~ \[\ *(ESTABLISHED|CLOSED)\]\ token=0*([0-9a-f]+) ]] || continue
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
    [[ $line =~ ^([0-9]+)\ \[\ *([A-Z_]+)\]\ token=0*([0-9a-f]+)(.*)$ ]] || continue
    time=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} token=${BASH_REMATCH[3]} line=${BASH_REMATCH[4]}
    [[ $name != ESTABLISHED ]] || { [[ -n $control ]] && known[$token]=1; } || control=$token
    [[ -z ${known[$token]:-} ]] || events+=("$time $name $(field saddr "$line") $(field daddr "$line")")
  done <"$scratch/events"
  while read -r line; do
    [[ $line =~ (^|\ )token:0*([0-9a-f]+) && -n ${known[${BASH_REMATCH[2]}]:-} ]] || continue
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
  be_alone "${NAMESPACES[0]}" || die "another bench or check measures in this lab now"
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
  case $FORM in tsv) tsv_end ;; json) json_end ;; *) out "$(table_end)" ;; esac
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

# What is predicted: the mean, the lowest and the highest, in bits a second; a sign alone is all three.
foreseen() {
  local mean low high
  IFS=, read -r mean low high <<<"$1"
  echo "$mean ${low:-$mean} ${high:-$mean}"
}

# The same for people, in Mbit/s.
in_words() {
  local mean low high
  read -r mean low high < <(foreseen "$1")
  case $mean in
    [0-9]*) ((high - low <= high / 100)) && mbit "$((mean / 1000))" || echo "$(mbit "$((low / 1000))")..$(mbit "$((high / 1000))")" ;;
    *) echo "$mean" ;;
  esac
}

# Prints words with tabs between them.
tabbed() {
  local IFS=$'\t'
  out "$*"
}

tsv_head() { tabbed round source target transfer flows seconds predicted received arrived interfaces likely; }

tsv_one() {
  local one words=() mean low high
  read -r mean low high < <(foreseen "$5")
  for one in "${moved[@]}"; do words+=("${one%=*}=$((${one#*=} * 1000))"); done
  tabbed "$1" "$3" "$4" "${10}" "${11}" "$6" "$mean" "$((received * 1000))" "$((arrived * 1000))" "${words[*]}" \
    "$low..$high"
}

tsv_end() { :; }

# However the bench ends, the list does.
json_head() {
  out '['
  closing=json_end
}

json_one() {
  local one comma='' time name source target text row=' ' mean low high
  read -r mean low high < <(foreseen "${5/#[-?]/null}")
  ((told++ == 0)) || row=,
  printf -v text '{"round": %d, "source": "%s", "target": "%s", "transfer": "%s", ' "$1" "$3" "$4" "${10}"
  row+=$text
  printf -v text '"flows": %d, "seconds": %d, "predicted": %s, "likely": [%s, %s], ' "${11}" "$6" "$mean" "$low" "$high"
  row+=$text
  printf -v text '"received": %d, "arrived": %d, "interfaces": {' "$((received * 1000))" "$((arrived * 1000))"
  row+=$text
  for one in "${moved[@]}"; do
    row+="$comma\"${one%=*}\": $((${one#*=} * 1000))"
    comma=', '
  done
  row+='}, "events": ['
  comma=
  for one in "${events[@]}"; do
    read -r time name source target <<<"$one"
    row+="$comma{\"seconds\": $(hundredths "$time"), \"event\": \"$name\", \"source\": \"$source\", \"target\": \"$target\"}"
    comma=', '
  done
  out "$row], \"subflows\": ${counted:-null}}"
}

json_end() {
  closing=:
  out ']'
}

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
  local i words low middle high wire list
  printf '%-32s %14s %10s %18s %10s\n' "Mbit/s" predicted received "least .. most" arrived
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    read -ra list <<<"${rates[$i]}" && read -r low middle high < <(spread "${list[@]}")
    read -ra list <<<"${wires[$i]}" && read -r _ wire _ < <(spread "${list[@]}")
    printf '%-32s %14s %10s %18s %10s\n' "$(called "${words[@]}")" "$(in_words "${words[2]}")" "$(mbit "$middle")" \
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
  [[ -z ${odds[$1]:-} ]] || printf '  predicted: %s\n' "${odds[$1]}"
  for one in "${list[@]}"; do printf '  %8s Mbit/s sent by %s\n' "$(mbit "${one#*=}")" "${one%=*}"; done
  [[ -z ${counts[$1]} ]] || printf '  %8s subflows beside the first, half-way, says ss\n' "${counts[$1]}"
  [[ -z ${subflows[$1]} ]] || while read -r time name source target; do
    printf '  %8s s %s %s -> %s\n' "$(hundredths "$time")" "$name" "$source" "$target"
  done <<<"${subflows[$1]}"
}

# === the call =================================================================
needs
transfers
run_all
}
