#!/usr/bin/env bash
# Takes down the lab "topologies". Written by mpc 0.1.0 from topologies.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 e02ad72035a1d658f32a7125a82741384bbb5104c095192dce3d5a04848090c7
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE CONTAINERS ATTACHED WIRES PCAPS PLAY
export LC_ALL=C
umask 022
trap '' PIPE

LAB='topologies'
IFS= read -rd '' USAGE <<'END' || true
usage: down.sh
Takes down the lab "topologies".
END
IFS= read -rd '' ABOUT <<'END' || true
source topologies.topo
plan 244ea18fd0af
END
NAMESPACES=(
  topologies-west-r0
  topologies-west-r1
  topologies-west-r2
  topologies-west-r3
  topologies-east-spine0
  topologies-east-spine1
  topologies-east-leaf0
  topologies-east-h0-0
  topologies-east-leaf1
  topologies-east-h1-0
  topologies-a
)

# === the runtime of mpc 0.1.0, for down =======================================

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Says that the script is not called like this.
misuse() { say "error: $1; ${USAGE%%$'\n'*}"; exit 2; }
if [[ ${1:-} == --help || ${1:-} == -h ]]; then printf '%s' "$USAGE"; exit 0; fi

# === the claim ================================================================
# A file that up, down and play lock while they are at work, as do their children. Who has the lock looks whether the
# file is still there, and nobody else makes or takes away anything of the lab. Where no up has claimed the lab, the
# file is empty or not there. Otherwise it has a note a line: what ABOUT says of the up, `since TIME`,
# `namespace NAME` and `container ENGINE:NAME` for each that it makes, `attached NAME` of a namespace that is that of a
# container, `capture FILE`, `made FOLDER` for what was not there before, `slot` and `module` for teql devices, and at its
# end `inode FILE NUMBER TIME` of each namespace, and `up`.
CLAIM=/run/mpc-$LAB
lock=
declare -A notes=()

# Opens the claim to lock it, and makes it where there is none.
open_claim() { { exec {lock}>>"$CLAIM"; } 2>/dev/null || die "cannot make $CLAIM"; }

# Whether what was locked is still the claim.
current() { [[ $CLAIM -ef /proc/self/fd/$lock ]]; }

# Reads the notes: each, and by its first word what follows.
read_claim() {
  local line
  notes=()
  while IFS= read -r line; do
    [[ -z $line ]] || { notes[$line]=1 && notes[${line%% *}]=${line#* }; }
  done 2>/dev/null <"$CLAIM"
}

# Prints a line of each of some namespaces that are there, by which one is known again: a number that no other has now,
# and the time from which on it had it.
inodes() { TZ=UTC0 stat -Lc 'inode %n %i %z' "${@/#//run/netns/}"; }

noted() { [[ -n ${notes[$1]:-} ]]; }

# === calls of podman and docker ===============================================
# How long a call may take, in seconds.
PATIENCE=60

# Prints what a call of an engine says, and ends one that takes longer, with status 124: SECONDS ENGINE ARGUMENT...
# It is called as "$(bounded ...)" alone. A signal to this script waits for the end of that: what an engine is at comes
# before all is taken away. (What then watches a container would keep the claim locked.)
bounded() {
  local from pid said log='' sign status end=$((SECONDS + $1))
  exec {from}< <(
    [[ -z ${lock:-} ]] || exec {lock}>&-
    PODMAN_IGNORE_CGROUPSV1_WARNING=1 exec "${@:2}" 2>&1 </dev/null
  )
  pid=$!
  trap - ERR
  trap '' HUP INT TERM
  while :; do
    status=0
    IFS= read -rd '' -t 5 said <&"$from" || status=$?
    log+=$said
    ((status)) || continue # after a null character
    ((status > 128)) || break
    ((SECONDS >= end)) || { say "waiting for $2 $3" && continue; }
    for sign in TERM KILL; do
      kill -s "$sign" "$pid" 2>/dev/null || true
      IFS= read -rd '' -t 5 said <&"$from" || (($? > 128)) || break
    done
    printf '%s' "${log:+$log$'\n'}\`$2 $3\` has not ended in $1 seconds"
    return 124
  done
  printf '%s' "$log"
  wait "$pid"
}

# === containers, by podman and docker =========================================
# Each is called like its namespace, and has the lab as its label: by that it is known as this lab's. Where docker runs
# it, it is beside another, NAME.net: its anchor, whose process has entered the namespace. CONTAINERS are ENGINE:NAME, and
# the claim has `container ENGINE:NAME` for each that up makes.
CONTAINERS+=()

# Takes away the lab's containers, with the volumes that came with them.
remove_containers() {
  local engine left=0
  for engine in podman docker; do
    remove_those_of "$engine" || {
      say "containers of $engine may be left: run the down script when it works again"
      left=1
    }
  done
  return "$left"
}

# Takes away those of an engine, anchors last. What is left is what the engine lists, not what it says of a call, as that
# may fail over what a killed one has begun. One that does not answer may have containers still.
remove_those_of() {
  local _ ids anchors engine=$1 is_noted=0
  ! has_noted "$engine" || is_noted=1
  ((is_noted)) || [[ " ${CONTAINERS[*]}" == *" $engine:"* ]] || return 0
  type -P "$engine" >/dev/null || {
    ((is_noted)) || return 0
    say "this lab has containers, and the command $engine is missing"
    return 1
  }
  ! unfinished || "end_begun_$engine" || return
  for _ in 1 2 3; do
    list_containers "$engine" || return
    ((${#ids[@]} + ${#anchors[@]})) || return 0
    ((${#ids[@]} == 0)) || {
      try_engine "$engine" stop -t 5 "${ids[@]}" && try_engine "$engine" rm --force --volumes "${ids[@]}"
    } || return
    ((${#anchors[@]} == 0)) || try_engine "$engine" rm --force --volumes "${anchors[@]}" || return
  done
  list_containers "$engine" || return
  ((${#ids[@]} + ${#anchors[@]} == 0)) || say "these containers do not go: ${ids[*]} ${anchors[*]}"
  ((${#ids[@]} + ${#anchors[@]} == 0))
}

# Whether up has noted a container of an engine.
has_noted() {
  local line
  for line in "${!notes[@]}"; do [[ $line != "container $1:"* ]] || return 0; done
  return 1
}

# Asks an engine: ENGINE ARGUMENT... Its answer is then in `answer`.
answer=
ask_engine() { answer=$(bounded "$PATIENCE" "$@") || { say "$1 does not answer: $answer"; return 1; }; }

# Has an engine do something, and fails only where that does not end: ENGINE ARGUMENT... (Its lists tell what was done.)
try_engine() {
  local log status=0
  log=$(bounded "$((PATIENCE + 5 * $#))" "$@") || status=$?
  ((status != 124)) || { say "$1 does not answer: $log"; return 1; }
}

# Sets `ids` to an engine's containers of the lab, and `anchors` to those that are anchors.
list_containers() {
  local id name
  ask_engine "$1" ps --all --no-trunc --filter "label=mpc.lab=$LAB" --format '{{.ID}} {{.Names}}' || return
  ids=() anchors=()
  while read -r id name; do
    if [[ $name == *.net ]]; then anchors+=("$id"); elif [[ $id ]]; then ids+=("$id"); fi
  done <<<"$answer"
}

# Takes away what podman had begun to make when up was cut short: such a container has its name, and no label yet.
end_begun_podman() {
  local name state
  ask_engine podman ps --all --external --format '{{.Names}} {{.Status}}' || return
  while read -r name state; do
    [[ $state != Storage* ]] || ! noted "container podman:$name" || try_engine podman rm --force "$name" || return
  done <<<"$answer"
}

# Lets docker end what it had begun when up was cut short: the daemon goes on without the client that has asked.
end_begun_docker() { sleep 1; }

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

# === teql devices =============================================================
# The module sch_teql makes a number of devices when it is loaded, in the machine's first namespace, and no more later. Up
# takes some for the lab, and down gives them back under the names that they had. Each is noted as `slot NAMESPACE NAME
# DEVICE` before it is taken, and the module as `module sch_teql` before up loads it. Who does any of that has a lock, as
# all labs share the devices.
TEQL=/sys/module/sch_teql
slots=
lock_slots() {
  [[ -z $slots ]] || return 0
  exec {slots}</run
  flock -w 60 "$slots" || die "another lab is at work with teql devices"
}
unlock_slots() {
  [[ -z $slots ]] || exec {slots}<&-
  slots=
}

# Unloads the module, for 3 seconds at most: the kernel may still be taking away a leg.
unload_slots() {
  local try
  for try in {1..30}; do
    [[ -e $TEQL ]] && ! modprobe -qr sch_teql 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

# Sets `kind` to what `ip -o link` tells of an interface of this namespace, or to nothing.
kind=
look_at() { kind=$(exec ip -o link show dev "$1" 2>/dev/null) || kind=; }

# Gives back the devices that up has taken for some namespaces, or tried to: NAMESPACE... A leg that is left would keep its
# device in use, so legs go first. Of a namespace that somebody has deleted, the kernel has given the device back, under
# the name that it had there.
give_back() {
  local slot ns name device told line rows left=0
  for slot in "${!notes[@]}"; do
    [[ $slot == "slot "* ]] || continue
    read -r _ ns name device <<<"$slot"
    if [[ " $* " == *" $ns "* ]]; then
      told=$(exec nsenter --net="/run/netns/$ns" ip -o link show 2>/dev/null) || continue
      rows="link set dev $name netns $$ name $device"$'\n'"link set dev $device netns $$"$'\n'
      while read -r line; do
        [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ qdisc\ $device\  ]] || rows="link del dev ${BASH_REMATCH[1]}"$'\n'$rows
      done <<<"$told"
      (exec nsenter --net="/run/netns/$ns" ip -force -batch - <<<"${rows%$'\n'}" >/dev/null 2>&1) || true
    fi
    look_at "$device"
    [[ -z $kind ]] || continue
    look_at "$name"
    [[ $kind != *" link/void "* ]] || ip link set dev "$name" down name "$device" || left=1
  done
  return "$left"
}

# Unloads the module where up has loaded it, and nobody uses its devices: another lab that has some is told to, in its
# turn. The lock is kept to the end of the script, so that no lab is told that is about to forget it.
leave_slots() {
  local other line told=''
  noted "module sch_teql" || return 0
  lock_slots
  read_claim
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other && -z $told ]] || continue
    while read -r line; do [[ $line != "slot "* ]] || told=$other; done 2>/dev/null <"$other"
  done
  if [[ -n $told ]]; then
    echo "module sch_teql" >>"$told"
    return
  fi
  unload_slots || say "left the module sch_teql alone: its devices are used"
}

# === the uplink ===============================================================
# The one thing of a lab that is on the machine's own network, in the namespace of the script: the end of a veth pair
# whose other end a node has, a table of nftables of the lab's name, and forwarding by the card and by that end alone.
# Before they are made, the claim notes them: `uplink END CARD`, and `forwarding CARD` where that did not forward. Who
# changes any of it has a lock, as labs may share the card.
CONF=/proc/sys/net/ipv4/conf
cards=
lock_cards() {
  [[ -z $cards$slots ]] || return 0
  exec {cards}</run
  flock -w 60 "$cards" || die "another lab is at work with uplinks"
}
unlock_cards() {
  [[ -z $cards ]] || exec {cards}<&-
  cards=
}

# Prints a claim of another lab that has a note: PATTERN.
other_with() {
  local other line
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other ]] || continue
    while read -r line; do
      # shellcheck disable=SC2053 # a pattern
      [[ $line != $1 ]] || { echo "$other" && return; }
    done 2>/dev/null <"$other"
  done
}

# Takes away what is on the machine's own network: the end, unless it goes with the namespace, and the table. The card
# forwards no more where it did not before, no other lab needs it (that is told to, in its turn), and nobody has turned
# forwarding on for the machine meanwhile.
leave_uplink() {
  local line end='' card other whole left=0
  # shellcheck disable=SC2154 # what the claim says
  for line in "${!notes[@]}"; do [[ $line != "uplink "* ]] || read -r _ end card <<<"$line"; done
  [[ -n $end ]] || return 0
  look_at "$end"
  [[ -z $kind ]] || ip link del dev "$end" || left=1
  nft "add table ip mpc-$LAB; delete table ip mpc-$LAB" || left=1
  noted "forwarding $card" || return "$left"
  lock_cards
  other=$(other_with "uplink * $card")
  read -r whole </proc/sys/net/ipv4/ip_forward
  if [[ -n $other ]]; then
    echo "forwarding $card" >>"$other" || left=1
  elif [[ $whole == 0 && -e $CONF/$card/forwarding ]]; then
    echo 0 >"$CONF/$card/forwarding" || left=1
  fi
  unlock_cards
  return "$left"
}

# === what up and down share ===================================================
# Into how many parts work is divided that is done side by side. (Each part reads all of it, so more make it slower.)
CPUS=$(nproc 2>/dev/null || echo 2)
((CPUS <= 16)) || CPUS=16
RUNS=$CLAIM.d
MARK=mpc:$LAB
# The files that up makes in the folder of a namespace.
KEPT=(hosts resolv.conf)
declare -A listed=()
for ns in "${NAMESPACES[@]}"; do listed[$ns]=1; done

# What is known of the up that the notes are of.
about() {
  local plan=another
  [[ $ABOUT != *"plan ${notes[plan]:-}"$'\n'* ]] || plan="the same"
  echo "since ${notes[since]:-a time unknown}, from ${notes[source]:-a file unknown}, $plan plan"
}

# Whether an up has claimed the lab and has not come to its end.
unfinished() { ((${#notes[@]})) && ! noted up; }

# Notes a namespace that somebody else made while up was at work.
foreign=
spare() { foreign=$1; }

# Whether a namespace is this lab's: it has our mark, or the up that claimed the lab names it and either has not come to
# marking it, or only its name is left of it by a down that was cut short. (That of a container has no mark.)
owned() {
  local link='' kind=''
  [[ $1 != "$foreign" ]] || return 1
  ! noted "attached $1" || [[ ! -e $RUNS/$1.undo ]] || return 0
  link=$(exec nsenter --net="/run/netns/$1" ip link show dev lo 2>/dev/null) || ! noted "namespace $1" ||
    kind=$(stat -fc %T "/run/netns/$1" 2>/dev/null) || true
  if [[ $link == *alias* ]]; then
    [[ $link$'\n' == *"alias $MARK"$'\n'* ]]
  else
    noted "namespace $1" && { unfinished || [[ -n $kind && $kind != nsfs ]]; }
  fi
}

# Sets `first` to the first line of a file.
first=
read_first() {
  first=
  [[ ! -f $1 ]] || read -r first <"$1" || true
} 2>/dev/null

# Prints those of some names that namespaces of this lab have, a line each, with `own` before it, and those of its list
# that others have, with `other`. Those that are as up has noted at its end are the lab's. Others are tested side by side,
# in a part for each processor; but not those that are another lab's by their hosts file, as that takes starting a program.
sort_out() {
  local part number ns line
  local -A known=()
  while IFS= read -r line; do
    noted "$line" || continue
    line=${line#inode /run/netns/}
    known[${line%% *}]=1
    echo "own ${line%% *}"
  done < <(inodes "$@" 2>/dev/null)
  for ((part = 1; part <= CPUS; part++)); do
    for ((number = part; number <= $#; number += CPUS)); do
      ns=${!number}
      [[ -z ${known[$ns]:-} && -e /run/netns/$ns ]] || continue
      read_first "/etc/netns/$ns/hosts"
      [[ -n ${listed[$ns]:-} || $first == "# $MARK" || $first != "# mpc:"* ]] || continue
      { owned "$ns" && echo "own $ns"; } || [[ -z ${listed[$ns]:-} ]] || echo "other $ns"
    done &
  done
  wait
}

# Prints in which namespace each process is: INODE FILE. Where its first thread has ended, which stat(1) complains of, the
# others tell.
whereabouts() {
  local complaint complaints others=()
  { complaints=$(exec stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>&1 >&3 3>&-) || true; } 3>&1
  while IFS= read -r complaint; do
    [[ ! $complaint =~ /proc/[0-9]+ ]] || others+=("${BASH_REMATCH[0]}"/task/[0-9]*/ns/net)
  done <<<"$complaints"
  ((${#others[@]} == 0)) || stat -Lc '%i %n' "${others[@]}" 2>/dev/null || true
}

# Prints the processes in some namespaces, a PID a line; of one that is that of a container, those of the lab.
residents() {
  local inode path pid ns
  local -A inside=() seen=()
  while read -r inode path; do inside[$inode]=${path##*/}; done < <(stat -Lc '%i %n' "${@/#//run/netns/}")
  while read -r inode path; do
    path=${path#/proc/} path=${path%/ns/net} pid=${path%%/*} ns=${inside[$inode]:-}
    [[ -n $ns && -z ${seen[$pid]:-} ]] || continue
    ! noted "attached $ns" || is_started "$ns" "$path" || continue
    printf '%s\n' "$pid"
    seen[$pid]=1
  done < <(whereabouts)
}

# Says of some processes what they are, of five at most.
say_processes() {
  local pid name told='' more=''
  for pid in "${@:2:5}"; do
    name=
    { read -r name <"/proc/$pid/comm"; } 2>/dev/null || true
    told+=" $pid ($name)"
  done
  (($# <= 6)) || more=" and $(($# - 6)) more"
  say "$1:$told$more"
}

# Ends the processes in some namespaces: asks, waits up to 5 seconds, then kills, also those that have been started since.
end_processes() {
  local signal try pids
  for signal in TERM KILL; do
    for try in {1..50}; do
      mapfile -t pids < <(residents "$@")
      ((${#pids[@]})) || return 0
      [[ $signal == TERM && $try != 1 ]] || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
      [[ $try != 10 ]] || say_processes "waiting for processes that have got SIG$signal" "${pids[@]}"
      sleep 0.1
    done
  done
  say_processes "these processes do not end" "${pids[@]}"
  return 1
}

# Takes away the lab's files in the folders of some names, and the folders where nothing else is. A file is the lab's by
# its first line, or by its name where the namespace is one of `ours`: programs in the lab may have written to it.
remove_names() {
  local ns folder file own other files=() folders=() left=0
  for ns; do
    folder=/etc/netns/$ns own=${ours[$ns]:-} other=
    [[ -d $folder ]] || continue
    for file in "$folder"/*; do
      [[ -e $file ]] || continue
      read_first "$file"
      if [[ $first == "# $MARK" || (-n ${ours[$ns]:-} && " ${KEPT[*]} " == *" ${file##*/} "*) ]]; then
        files+=("$file") own=1
      else
        other=1
      fi
    done
    if [[ -n $own && -z $other ]]; then
      folders+=("$folder")
    elif [[ -n $own || -n ${listed[$ns]:-} ]]; then
      say "left $folder alone: this lab did not make all of it"
      left=1
    fi
  done
  ((${#files[@]} == 0)) || rm -f "${files[@]}" || left=1
  ((${#folders[@]} == 0)) || rmdir "${folders[@]}" || left=1
  return "$left"
}

# Prints the files of captures, a line each.
captures() {
  local one found=()
  for one in "${!notes[@]}"; do
    [[ $one != "capture "* ]] || ! noted "$one" || found+=("${one#capture }")
  done
  ((${#found[@]} == 0)) || printf '%s\n' "${found[@]}" | sort
}

# Has captures of a lab that is up write what came by now, which the kernel hands over in blocks, after a second at most.
await_captures() { [[ -z $(captures) ]] || ! noted up || sleep 1.2; }

# Says what has been captured, and what of it lacks packets. What an up has captured that did not come to its end is taken
# away.
end_captures() {
  local file log name folder=
  while IFS= read -r file; do
    unfinished && { rm -f "$file" || return; } && continue
    name=${file##*/} name=${name#"$LAB."} name=${name%.pcap} log='' folder=${file%/*}
    name=${name%%.*}:${name#*.}
    [[ ! -e $RUNS/$name.log ]] || log=$(<"$RUNS/$name.log")
    if [[ $log == *": write error: "* || ! $log =~ ([0-9]+)\ packets?\ dropped\ by\ kernel ]]; then
      say "warning: the capture of $name has ended early:"$'\n'"$log"
    elif ((BASH_REMATCH[1])); then
      say "warning: the capture of $name lacks ${BASH_REMATCH[1]} packets, which came faster than they were written"
    fi
  done < <(captures)
  [[ -z $folder ]] || say "captures are in $folder/"
}

# Takes away the folder of what ran in the lab. (Of an up that did not note its plan, nothing more is known.)
remove_runs() {
  [[ -e $RUNS ]] || return 0
  if noted "made $RUNS" || { ((${#notes[@]})) && ! noted plan; }; then
    rm -r "$RUNS"
  else
    say "left $RUNS alone: this lab did not make it"
    return 1
  fi
}

# Has another lab that uses a folder take it away in its turn. Its claim may be gone meanwhile, and is not made again.
hand_over() {
  local other claim
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other ]] || continue
    { exec {claim}<"$other"; } 2>/dev/null || continue
    echo "made $1" >>"/proc/self/fd/$claim"
    [[ ! $other -ef /proc/self/fd/$claim ]] || return 0
  done
}

# Takes away the claim, and what was not there before this lab: where another lab uses that, it is told to.
remove_claim() {
  local folder
  [[ -e $CLAIM ]] || return 0
  read_claim
  for folder in /etc/netns /run/netns; do
    noted "made $folder" && [[ -e $folder ]] || continue
    if compgen -G "$folder/*" >/dev/null; then
      hand_over "$folder"
    else
      umount -n "$folder" 2>/dev/null || true
      rmdir "$folder" || return
    fi
  done
  leave_slots
  rm -f "$CLAIM"
}

# Links to other machines, a row for each namespace that has some: NAMESPACE INTERFACE...
WIRES+=()

# Deletes those of some namespaces where a connection was cut: NAMESPACE... It keeps its namespace for up to three minutes,
# and with that these links, whose numbers would be taken until then. (All else goes with the namespace.)
cut_wires() {
  local row words
  for row in "${WIRES[@]}"; do
    read -ra words <<<"$row"
    [[ " $* " == *" ${words[0]} "* ]] || continue
    [[ -n $(exec nsenter --net="/run/netns/${words[0]}" ss -HatM exclude time-wait 2>&1) ]] || continue
    printf 'link del dev %s\n' "${words[@]:1}" | nsenter --net="/run/netns/${words[0]}" ip -force -batch - || true
  done
} 2>/dev/null

# Takes away all of some names that is this lab's, and nothing else; fails where something was left, and keeps what the
# claim says.
take_down() {
  local whose ns left=0 own=() more=() stays=()
  local -A ours=()
  remove_containers || left=1
  # (An up without an uplink has nothing for it.)
  ! declare -F leave_uplink >/dev/null || leave_uplink || left=1
  for ns; do ! noted "namespace $ns" || ours[$ns]=1; done
  while read -r whose ns; do
    if [[ $whose == own ]]; then
      own+=("$ns") ours[$ns]=1
      [[ -n ${listed[$ns]:-} ]] || more+=("$ns")
    else
      say "left the namespace $ns alone: this lab did not make it"
      left=1
    fi
  done < <(sort_out "$@")
  ((${#more[@]} == 0 || ${#listed[@]} == 0)) || say "takes away what this script does not name, of the up $(about): ${more[*]}"
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    give_back "${own[@]}" || left=1
    for ns in "${own[@]}"; do ! noted "attached $ns" || release "$ns" || stays+=("$ns"); done
    ((${#stays[@]} == 0)) || left=1
    cut_wires "${own[@]}"
    for ns in "${own[@]}"; do
      [[ " ${stays[*]} " == *" $ns "* ]] || echo "netns del $ns"
    done | ip -force -batch - || left=1
  else
    give_back || left=1
  fi
  remove_names "$@" || left=1
  end_captures || left=1
  # (How what is added to a namespace goes stands in this folder.)
  ((${#stays[@]})) || remove_runs || left=1
  ((left && ${#notes[@]})) || remove_claim || left=1
  return "$left"
}

# === down =====================================================================
(($# == 0)) || misuse "no such option: $1"
((EUID == 0)) || die "must run as root"

# Locks the claim. Where an up or a down of this lab is at work, or what one that was killed has started, waits for its
# end. An up that has begun since then is none that was to be taken down.
begin() {
  open_claim
  flock -n "$lock" || { say "waiting for an up, a down or a play of this lab"; flock -w 60 "$lock"; } ||
    die "an up, a down or a play of this lab is still at work"
  current || { open_claim && flock -n "$lock" && current && [[ ! -s $CLAIM ]]; } ||
    die "another up or down of this lab has begun: run this again"
  read_claim
}

# Takes the lab away, whatever of it there is: all that has a name in these folders may be its own.
down() {
  local path
  local -A named=()
  begin
  for path in /run/netns/* /etc/netns/*; do
    [[ ${path##*/} == *[!A-Za-z0-9_.-]* ]] || named[${path##*/}]=1
    [[ ! $path -ef /proc/self/ns/net ]] || ! owned "${path##*/}" ||
      die "this runs in the namespace ${path##*/}, which it is to end: run it outside of the lab"
  done
  await_captures
  take_down "${!named[@]}"
  say down
}

# === the call =================================================================
down
}
