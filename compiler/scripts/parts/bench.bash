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
