#!/usr/bin/env bash
# Measures the lab "spray" that is up. Written by mpc 0.1.0 from spray.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 da23ac07d14ace94d0f93c9956bc2d563b226d8fa5619ca5d8f7fd564d8233d5
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE CONTAINERS ATTACHED WIRES PCAPS PLAY
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
IFS= read -rd '' RESULT <<'END' || true
mpc 0.1.0
plan aa47740bc3bf
params {}
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
need_tool tc iproute2
need_tool nsenter util-linux
need_tool awk mawk
need_tool ss iproute2
need_tool iperf3 iperf3
need_tool flock util-linux
need_nodes a b c d e
}

transfers() {
row a b 19128137,19128137,19128137 5 spray-a spray-b 10.249.89.74 tcp 1 25000000 cubic
over a spray-a b spray-b c spray-c d spray-d e spray-e
row a b 19445178,19445178,19445178 5 spray-a spray-b 10.249.89.74 udp 1 25000000 -
over a spray-a b spray-b c spray-c d spray-d e spray-e
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

# === what a result is of ======================================================
# The lab, the plans of this script and of the up, the params, the kernel, the tools, and when: `NAME VALUE`.
named=()
# The versions of tools: `NAME VERSION`.
versions=()
time=

# Sets `time` to the date and the time of day, in UTC.
set_time() { TZ=UTC0 printf -v time '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# Sets `version` to the first number with a dot that a tool tells of itself, and to `unknown` where there is none.
version=
read_version() {
  local told word
  version=unknown
  told=$("$@" 2>/dev/null </dev/null) || true
  for word in ${told//[!0-9.]/ }; do [[ $word != [0-9]*.[0-9]* ]] || { version=$word && return; }; done
}

# Notes all that.
name_all() {
  local kernel line plan up=unknown
  read -r kernel </proc/sys/kernel/osrelease
  { while read -r line; do [[ $line != "plan "* ]] || up=${line#plan }; done <"/run/mpc-$LAB"; } 2>/dev/null || true
  versions=("bash ${BASH_VERSION%%(*}")
  read_version ip -V && versions+=("iproute2 $version")
  ! type -P iperf3 >/dev/null || { read_version iperf3 --version && versions+=("iperf3 $version"); }
  set_time
  mapfile -t named <<<"${RESULT%$'\n'}"
  plan=${named[1]#plan }
  named=("lab $LAB" "${named[@]}" "up $up" "kernel $kernel" "began $time")
  [[ $up == "$plan" || $up == unknown ]] || say "warning: what is up has the plan $up, and this script is of $plan"
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

# Pipes that what was started has open, and what that has started in its turn.
pipes=()

# Ends all that was started.
stop() {
  local fd
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  for fd in "${pipes[@]}"; do while read -ru "$fd"; do :; done; done
  started=() pipes=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  # Its name first: a signal that ends what makes the folder finds it by this name.
  scratch=$(mktemp -du) || exit 2
  mkdir -m 700 "$scratch" || { scratch=; exit 2; }
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

# === what happens over time ===================================================
# The namespaces that packets of each transfer cross, with the nodes that they are of: `NODE NAMESPACE ...`.
crossed=()

# The files of what is told of those of the transfer that is measured.
watched=()

# Bytes that a socket sends at least, if it is not iperf3's own.
DATA=20000

# Has a shell in a namespace tell ten times a second, until it is asked to end, what each interface has sent, what waits in
# its queues, and its TCP sockets: NODE BEGAN SOCKETS. (It waits by a read of what nobody writes.)
# shellcheck disable=SC2016 # Expanded by that shell.
WATCH='exec {never}<> <(:)
began=$2 next=0
while :; do
  read -r time _ </proc/uptime
  echo "at $((10#${time/./} - began)) $1"
  while IFS=" :" read -r name _ _ _ _ _ _ _ _ sent _; do
    [[ $name == lo || ! $sent =~ ^[0-9]+$ ]] || echo "sent $name $sent"
  done </proc/net/dev
  echo "queues $(tc -s -j qdisc show)"
  [[ $3 == - ]] || while read -r line; do echo "socket $line"; done < <(ss -tinHO "$3")
  read -r time _ </proc/uptime
  left=$(((next += 10) + began - 10#${time/./}))
  ((left > 0)) || next=$((next - left)) left=1
  printf -v left 0.%02d "$left"
  read -rt "$left" -u "$never" || true
done 2>/dev/null'

# Makes JSON of that and of what a receiver said: series of [SECONDS, VALUE]. What waits is that of the queue that has a
# rate, in bytes and packets: netem has what is under way.
IFS= read -rd '' SERIES <<'SERIES' || true
function number(name) {
  return match($0, name ":[0-9.]+") ? substr($0, RSTART + length(name) + 1, RLENGTH - length(name) - 1) : 0
}

# The value of a name in JSON that has no escapes.
function value(text, name) {
  if (!match(text, "\"" name "\":\"?[^,\"}]+")) return ""
  text = substr(text, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
  sub(/^"/, "", text)
  return text
}

function add(list, key, what) {
  if (!((list, key) in series)) keys[list, ++count[list]] = key
  series[list, key] = series[list, key] (series[list, key] == "" ? "" : ", ") sprintf("[%.2f, %s]", time, what)
}

# Bits a second since the last time, from a count of bytes.
function rate(key, bytes,   told) {
  told = ""
  if (key in counted && time > since[key]) told = sprintf("%.0f", (bytes - counted[key]) * 8 / (time - since[key]))
  counted[key] = bytes
  since[key] = time
  return told
}

function interface(name,   told) {
  if (!(name in shown)) return
  told = rate(name, $3)
  if (told != "") add("interfaces", name, told)
}

function queues(   parts, i, device, kind, waits) {
  for (i = split($0, parts, /\{"kind":"/); i > 1; i--) {
    kind = parts[i]
    sub(/".*/, "", kind)
    device = value(parts[i], "dev")
    if (device in waits) continue
    waits[device] = ""
    if (kind ~ /^(tbf|[pb]fifo)$/) waits[device] = value(parts[i], "backlog") ", " value(parts[i], "qlen")
  }
  for (device in waits) if (waits[device] != "" && (node ":" device) in shown) add("queues", node ":" device, waits[device])
}

function socket(   key, told, again) {
  key = $5 " " $6
  total[key] = number("bytes_sent") + 0
  told = rate("socket " key, total[key])
  if (told == "") return
  again = match($0, /retrans:[0-9]+\/[0-9]+/) ? substr($0, RSTART, RLENGTH) : 0
  sub(/.*\//, "", again)
  add("sent", key, told)
  add("window", key, number("cwnd"))
  add("rtt", key, number(" rtt"))
  add("retransmitted", key, again)
}

function object(list,   i, text) {
  for (i = 1; i <= count[list]; i++) {
    text = text sprintf("%s\"%s\": [%s]", i > 1 ? ", " : "", keys[list, i], series[list, keys[list, i]])
  }
  return "{" text "}"
}

function subflow(key,   ends) {
  split(key, ends, " ")
  return sprintf("{\"source\": \"%s\", \"target\": \"%s\", \"sent\": [%s], ", ends[1], ends[2], series["sent", key]) \
    sprintf("\"window\": [%s], \"rtt\": [%s], ", series["window", key], series["rtt", key]) \
    sprintf("\"retransmitted\": [%s]}", series["retransmitted", key])
}

function subflows(   i, key, text) {
  for (i = 1; i <= count["sent"]; i++) {
    key = keys["sent", i]
    if (total[key] >= DATA) text = text (text == "" ? "" : ", ") subflow(key)
  }
  return "[" text "]"
}

BEGIN {
  split(MOVED, names, " ")
  for (i in names) shown[names[i]] = 1
}
$1 == "at" { time = $2 / 100; node = $3 }
$1 == "sent" { interface(node ":" $2) }
$1 == "queues" { queues() }
$1 == "socket" { socket() }
# (iperf3 tells all again where it is asked to end while it ends; its last interval is too short for a rate.)
/^\[.* sec .* Kbits\/sec/ && !/ (sender|receiver)/ && (/^\[SUM\]/ || FLOWS == 1) {
  match($0, /-[0-9.]+ +sec/)
  time = substr($0, RSTART + 1) + 0
  if (time < last + 0.05) next
  last = time
  match($0, /[0-9.]+ Kbits\/sec/)
  add("received", "all", sprintf("%.0f", substr($0, RSTART) * 1000))
}
/^Server output:/ {
  series["received", "all"] = ""
  last = 0
}
END {
  printf "{\"received\": [%s], \"interfaces\": %s, ", series["received", "all"], object("interfaces")
  printf "\"queues\": %s, \"subflows\": %s}\n", object("queues"), subflows()
}
SERIES

# Notes which namespaces the packets of the last transfer cross: NODE NAMESPACE ...
over() { crossed[${#rows[@]} - 1]=$*; }

# Has those of a transfer watched, and of the one that sends its sockets too: NUMBER SOURCE SOCKETS.
watch_all() {
  local i words sockets
  read -ra words <<<"${crossed[$1]:-}"
  watched=()
  for ((i = 0; i < ${#words[@]}; i += 2)); do
    sockets=-
    [[ ${words[i]} != "$2" ]] || sockets=$3
    watched+=("$scratch/over.$i")
    begin_in "over.$i" "${words[i + 1]}" bash -c "$WATCH" - "${words[i]}" "$began" "$sockets"
  done
}

# Tells what happened over time: FLOWS, and the file of what the receiver said.
series() { awk -v MOVED="${moved[*]%%=*}" -v DATA="$DATA" -v FLOWS="$1" "$SERIES" "${watched[@]}" "$scratch/$2"; }

# === events beside a transfer =================================================
# Whether the events of the lab are played beside each transfer, and what of them happened beside the last, and when:
# HUNDREDTHS DUE EVENT.
during=
played=()
player=

# Has the play script, which is in PLAY, play for some seconds, and makes the lab as it was when they are over, so that
# iperf3 can end: SECONDS.
start_play() {
  printf %s "$PLAY" >"$scratch/play"
  : >"$scratch/played"
  bash "$scratch/play" --for "$1" </dev/null > >(stamp >"$scratch/played") 2>"$scratch/play.said" {alone}<&- &
  player=$!
  started+=("$player")
}

# Waits until the lab is as it was, and reads what has happened.
end_play() {
  local line status=0
  dismiss "$player"
  wait "$player" || status=$?
  until [[ $(<"$scratch/played") == *. ]]; do sleep 0.02; done
  played=()
  while IFS= read -r line; do
    [[ ! $line =~ ^([0-9]+)\ ([0-9.]+)$'\t'[0-9.]+$'\t'(.*)$ ]] ||
      played+=("${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[3]}")
  done <"$scratch/played"
  ((status == 0 || status == 143)) || said=${said:-the play failed: $(<"$scratch/play.said")}
}

# === captures of transfers ====================================================
# Where they are written.
CAPTURES=.
declare -A recorded=()
recording=()

# Notes what is captured during the last transfer: NAMESPACE NODE INTERFACE SNAP ...
record() { recorded[$((${#rows[@]} - 1))]=$*; }

# Prints the files of a transfer: NUMBER ROUND.
files_of() {
  local i whose caught
  read -ra whose <<<"${rows[$1]}"
  read -ra caught <<<"${recorded[$1]:-}"
  for ((i = 0; i < ${#caught[@]}; i += 4)); do
    echo "$CAPTURES/$LAB.${whose[0]}.${whose[1]}.${whose[7]}-${whose[8]}${backward[$1]:+-reverse}.$2.${caught[i + 1]}.${caught[i + 2]}.pcap"
  done
}

# Ends here where a file cannot be made, before anything is measured: none is overwritten.
need_files() {
  local i round file files
  ((${#recorded[@]})) || return 0
  [[ -d $CAPTURES && -w $CAPTURES && $CAPTURES != *$'\n'* ]] ||
    die "there is no folder ${CAPTURES//$'\n'/?} that can be written, for captures"
  CAPTURES=$(cd -P -- "$CAPTURES" && pwd)
  for i in "${!recorded[@]}"; do
    for ((round = 1; round <= REPEAT; round++)); do
      mapfile -t files < <(files_of "$i" "$round")
      for file in "${files[@]}"; do
        [[ ! -e $file && ! -L $file ]] || die "there is $file already: --captures DIR has captures written elsewhere"
      done
    done
  done
}

# Has tcpdump(8) write the packets of a transfer, and waits until it has begun: NUMBER ROUND.
# shellcheck disable=SC2016 # Expanded by that shell.
RECORD='exec tcpdump -i "$1" -n -p -U -s "$2" -w - >"$3"'
start_recording() {
  local _ i caught files
  recording=()
  read -ra caught <<<"${recorded[$1]:-}"
  mapfile -t files < <(files_of "$1" "$2")
  for i in "${!files[@]}"; do
    : >"$scratch/record.$i"
    begin_in "record.$i" "${caught[4 * i]}" bash -c "$RECORD" - "${caught[4 * i + 2]}" "${caught[4 * i + 3]}" "${files[i]}"
    recording+=("$!")
  done
  for i in "${!files[@]}"; do
    for _ in {1..250}; do
      [[ $(<"$scratch/record.$i") != *"listening on "* ]] || break
      kill -0 "${recording[i]}" 2>/dev/null || break
      sleep 0.02
    done
  done
}

# Ends that when all is there that came (the kernel hands over packets a second late at most), and says what is lacking.
end_recording() {
  local i lost
  ((${#recording[@]})) || return 0
  sleep 1.2
  for i in "${!recording[@]}"; do
    kill "${recording[i]}" 2>/dev/null || lost=ended
    wait "${recording[i]}" || true
    [[ ! $(<"$scratch/record.$i") =~ ([1-9][0-9]*)\ packets?\ dropped ]] || lost="lost ${BASH_REMATCH[1]} packets"
    [[ -z ${lost:-} ]] || say "warning: a capture has $lost: $(tail -n 4 "$scratch/record.$i")"
    lost=
  done
}

# === bench ====================================================================
# What is measured goes to standard output, and how far the bench has come to standard error.
# Bytes of a packet on average, below which all are acknowledgements.
ACK=150
REPEAT=3
FORM=table
rows=()
odds=()
backward=()
nodes=()
declare -A upper=()
moved=()
arrived=0
again=0
namespace=
over_time=
events=()
counted=
failures=0

while (($#)); do
  case $1 in
    --tsv | --json) FORM=${1#--} ;;
    --captures)
      [[ -n ${CAPTURED:-} ]] || misuse "no bench of the lab has captures here"
      CAPTURES=${2:?} && shift
      ;;
    --during-play) [[ -n ${PLAY:-} ]] || misuse "the lab has no events that are played here"; during=1 ;;
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

# Notes interfaces whose packets have come in by another one: NODE:INTERFACE ...
above() {
  local name
  for name; do upper[$name]=yes; done
}

# Notes a transfer: SOURCE TARGET PREDICTED SECONDS NAMESPACE NAMESPACE ADDRESS PROTOCOL FLOWS OFFERED CONTROL OPTION...
# Rates are bits a second. A prediction is an average and a range, MEAN,LOW,HIGH; `-` is one that nothing bounds, and `?`
# that there is none.
row() { rows+=("$*"); }

# Notes that data of the last transfer goes from its target to its source.
reverse() { backward[${#rows[@]} - 1]=yes; }

# Notes how likely is what is predicted of the last transfer.
likely() { odds[${#rows[@]} - 1]=$1; }

# How many segments of TCP a namespace has sent again so far, or `-` for that of another machine: NAMESPACE.
count_again() {
  local words
  again=-
  [[ $1 ]] || return 0
  while read -ra words; do
    [[ ${words[0]} != Tcp: ]] || again=${words[12]}
  done < <(nsenter --net="/run/netns/$1" cat /proc/net/snmp)
}

# The namespace that a node is on this machine.
namespace_of() {
  local i
  namespace=
  for i in "${!nodes[@]}"; do [[ ${nodes[i]} != "$1" ]] || namespace=${NAMESPACES[i]}; done
}

# What came in and went out by each interface of the lab: `NODE:INTERFACE BYTES-IN BYTES-OUT PACKETS-OUT`.
count_bytes() {
  local i name in out packets
  for i in "${!nodes[@]}"; do
    while IFS=$' \t:' read -r name in _ _ _ _ _ _ _ out packets _; do
      [[ $name == lo || ! $out =~ ^[0-9]+$ ]] || echo "${nodes[i]}:$name $in $out $packets"
    done < <(nsenter --net="/run/netns/${NAMESPACES[i]}" cat /proc/net/dev)
  done
}

# Puts the time since the clock was set before each line, and a dot after the last.
stamp() {
  local line
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
  begin_in sockets "$1" bash -c "$COUNT" - "$2" "$port"
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

# Measures a row: its number, and its words. What there is to tell of it is in `received`, `arrived` (both in kbit/s),
# `moved` (what each interface sent, in kbit/s; those that sent nothing but acknowledgements are left out), `again` (the
# segments that were sent again), `events`, `counted`, and `over_time`.
measure() {
  local name in out packets was_in was_out was_packets was_again receiver=server sockets sends=${2%%:*} takes=${3%%:*}
  local -A before=()
  : >"$scratch/events"
  : >"$scratch/sockets"
  [[ -z ${backward[$1]:-} ]] || sends=${3%%:*} takes=${2%%:*}
  set_clock
  set_time
  choose_port "$7"
  sockets="dport = :$port"
  [[ $7 != - ]] || receiver=client
  [[ ${*: -1} != -R ]] || receiver=client sockets="sport = :$port"
  [[ $9 != mptcp ]] || watch_subflows "$6" "$(($5 / 2))"
  [[ $FORM != json ]] || watch_all "$1" "$sends" "$sockets"
  namespace_of "$sends"
  count_again "$namespace"
  was_again=$again
  while read -r name in; do before[$name]=$in; done < <(count_bytes)
  start_recording "$1" "$round"
  [[ -z $during ]] || start_play "$5"
  transfer "${@:6}" -t "$5"
  [[ -z $during ]] || end_play
  end_recording
  moved=()
  namespace_of "$takes"
  if [[ $namespace ]]; then arrived=0; else arrived=-; fi
  while read -r name in out packets; do
    read -r was_in was_out was_packets <<<"${before[$name]:-0 0 0}"
    in=$((in - was_in)) out=$((out - was_out)) packets=$((packets - was_packets))
    [[ ${name%%:*} != "$takes" || -n ${upper[$name]:-} ]] || arrived=$((arrived + in * 8 / 1000 / $5))
    ((out < received * $5 || out < packets * ACK)) || moved+=("$name=$((out * 8 / 1000 / $5))")
  done < <(count_bytes)
  namespace_of "$sends"
  count_again "$namespace"
  [[ $again == - ]] || again=$((again - was_again))
  [[ $9 != mptcp ]] || await_ends
  stop
  [[ $FORM != json ]] || over_time=$(series "${10}" "$receiver")
  [[ $9 != mptcp ]] || until [[ $(<"$scratch/events") == *. ]]; do sleep 0.02; done
  read_events
}

# Measures all rows, round after round, so that what changes on the machine meets all of them.
run_all() {
  local round i words
  prepare
  [[ $FORM == table ]] || name_all
  [[ $FORM != json ]] || reporting=(-i 0.1)
  be_alone "${NAMESPACES[0]}" || die "another bench or check measures in this lab now"
  case $FORM in tsv) tsv_head ;; json) json_head ;; *) table_head ;; esac
  for ((round = 1; round <= REPEAT; round++)); do
    for i in "${!rows[@]}"; do
      read -ra words <<<"${rows[i]}"
      say "round $round of $REPEAT, transfer $((i + 1)) of ${#rows[@]}: $(called "$i" "${words[@]}"), ${words[3]} s"
      measure "$i" "${words[@]}"
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
declare -A rates=() wires=() paths=() subflows=() counts=() repeats=() plays=()

# What a row is called: NUMBER SOURCE TARGET _ _ _ _ _ PROTOCOL FLOWS.
called() {
  local flows=
  ((${10} == 1)) || flows=" ${10}"
  echo "$2 -> $3 using $9$flows${backward[$1]:+ reverse}"
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

# What the result is of, in lines that begin with `#`, and the names of columns.
tsv_head() {
  local one
  for one in "${named[@]}"; do tabbed "# ${one%% *}" "${one#* }"; done
  tabbed "# tools" "${versions[*]}"
  tabbed round source target transfer flows seconds predicted received arrived interfaces likely began retransmitted reverse
}

tsv_one() {
  local one words=() mean low high
  read -r mean low high < <(foreseen "$5")
  for one in "${moved[@]}"; do words+=("${one%=*}=$((${one#*=} * 1000))"); done
  tabbed "$1" "$3" "$4" "${10}" "${11}" "$6" "$mean" "$((received * 1000))" "$(came -)" "${words[*]}" \
    "$low..$high" "$time" "$(sent_again "${10}")" "${backward[$2]:-no}"
}

# The segments that were sent again, of a protocol that sends again: PROTOCOL, and what stands for none.
sent_again() { if [[ $1 == udp ]]; then echo "${2:--}"; else echo "${again/-/${2:--}}"; fi; }

# What came in at the receiver, in bits a second, or what stands for that of another machine.
came() { if [[ $arrived == - ]]; then echo "$1"; else echo "$((arrived * 1000))"; fi; }

tsv_end() { :; }

# However the bench ends, the list does.
json_head() {
  local one text='{' comma=
  for one in "${named[@]}"; do
    if [[ $one == "params "* ]]; then text+="\"params\": ${one#* }, "; else text+="\"${one%% *}\": \"${one#* }\", "; fi
  done
  text+='"tools": {'
  for one in "${versions[@]}"; do
    text+="$comma\"${one%% *}\": \"${one#* }\""
    comma=', '
  done
  out "$text}, \"measurements\": ["
  closing=json_end
}

json_one() {
  local one comma='' when name source target text row=' ' mean low high
  read -r mean low high < <(foreseen "${5/#[-?]/null}")
  ((told++ == 0)) || row=,
  printf -v text '{"round": %d, "source": "%s", "target": "%s", "transfer": "%s", ' "$1" "$3" "$4" "${10}"
  row+="$text\"reverse\": $(if [[ -n ${backward[$2]:-} ]]; then echo true; else echo false; fi), "
  printf -v text '"flows": %d, "seconds": %d, "predicted": %s, "likely": [%s, %s], ' "${11}" "$6" "$mean" "$low" "$high"
  row+=$text
  printf -v text '"received": %d, "arrived": %s, "interfaces": {' "$((received * 1000))" "$(came null)"
  row+=$text
  for one in "${moved[@]}"; do
    row+="$comma\"${one%=*}\": $((${one#*=} * 1000))"
    comma=', '
  done
  row+='}, "events": ['
  comma=
  for one in "${events[@]}"; do
    read -r when name source target <<<"$one"
    row+="$comma{\"seconds\": $(hundredths "$when"), \"event\": \"$name\", \"source\": \"$source\", \"target\": \"$target\"}"
    comma=', '
  done
  row+='], '
  [[ -z $during ]] || row+="\"played\": [$(json_played)], "
  [[ -z ${recorded[$2]:-} ]] || row+="\"captures\": {$(json_captures "$2" "$1")}, "
  row+="\"subflows\": ${counted:-null}, \"began\": \"$time\", \"retransmitted\": $(sent_again "${10}" null), "
  out "$row\"over_time\": $over_time}"
}

# The events that were played beside the last transfer.
json_played() {
  local one comma='' when due what
  for one in "${played[@]}"; do
    read -r when due what <<<"$one"
    printf '%s{"seconds": %s, "due": %s, "event": "%s"}' "$comma" "$(hundredths "$when")" "$due" "$what"
    comma=', '
  done
}

# The files of captures of a transfer, by interface, without their folder: NUMBER ROUND.
json_captures() {
  local i comma='' caught files
  read -ra caught <<<"${recorded[$1]}"
  mapfile -t files < <(files_of "$1" "$2")
  for i in "${!files[@]}"; do
    printf '%s"%s:%s": "%s"' "$comma" "${caught[4 * i + 1]}" "${caught[4 * i + 2]}" "${files[i]##*/}"
    comma=', '
  done
}

json_end() {
  closing=:
  set_time
  out "], \"ended\": \"$time\"}"
}

table_head() { :; }

table_one() {
  rates[$2]+=" $received" wires[$2]+=" $arrived" paths[$2]=${moved[*]} repeats[$2]=$(sent_again "${10}") subflows[$2]=$(printf '%s\n' "${events[@]}")
  counts[$2]=$counted plays[$2]=$(printf '%s\n' "${played[@]}")
}

# The lowest, the middle and the highest of some numbers.
spread() {
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo "${sorted[0]} ${sorted[$# / 2]} ${sorted[-1]}"
}

table_end() {
  local i words low middle high wire list name width=32
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    name=$(called "$i" "${words[@]}")
    ((${#name} <= width)) || width=${#name}
  done
  printf '%-*s %14s %10s %18s %10s\n' "$width" "Mbit/s" predicted received "least .. most" arrived
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    read -ra list <<<"${rates[$i]}" && read -r low middle high < <(spread "${list[@]}")
    read -ra list <<<"${wires[$i]}" && read -r _ wire _ < <(spread "${list[@]}")
    printf '%-*s %14s %10s %18s %10s\n' "$width" "$(called "$i" "${words[@]}")" "$(in_words "${words[2]}")" "$(mbit "$middle")" \
      "$(mbit "$low") .. $(mbit "$high")" "$(if [[ $wire == - ]]; then echo -; else mbit "$wire"; fi)"
  done
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    details "$i" "${words[@]}"
  done
}

# Tells on which paths the bytes of the last round of a row went, and when its subflows came and went.
details() {
  local one list when name source target
  read -ra list <<<"${paths[$1]}"
  printf '\n%s, the last time:\n' "$(called "$@")"
  [[ -z ${odds[$1]:-} ]] || printf '  predicted: %s\n' "${odds[$1]}"
  for one in "${list[@]}"; do printf '  %8s Mbit/s sent by %s\n' "$(mbit "${one#*=}")" "${one%=*}"; done
  [[ ${repeats[$1]} == - ]] || printf '  %8s segments sent again\n' "${repeats[$1]}"
  [[ -z ${counts[$1]} ]] || printf '  %8s subflows beside the first, half-way, says ss\n' "${counts[$1]}"
  [[ -z ${plays[$1]} ]] || while read -r when _ name; do
    printf '  %8s s %s\n' "$(hundredths "$when")" "$name"
  done <<<"${plays[$1]}"
  [[ -z ${subflows[$1]} ]] || while read -r when name source target; do
    printf '  %8s s %s %s -> %s\n' "$(hundredths "$when")" "$name" "$source" "$target"
  done <<<"${subflows[$1]}"
}

# === the call =================================================================
needs
transfers
need_files
run_all
}
