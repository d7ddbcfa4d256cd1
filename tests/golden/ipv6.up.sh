#!/usr/bin/env bash
# Brings up the lab "ipv6". Written by mpc 0.1.0 from ipv6.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 f6f356066172c2debabdf109d9319d594066d8ba860a93ec9002a8141685822e
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE
export LC_ALL=C
umask 022
trap '' PIPE

LAB='ipv6'
IFS= read -rd '' USAGE <<'END' || true
usage: up.sh [--preflight]
Brings up the lab "ipv6".
  --preflight  only tests whether this machine has all that the lab needs
END
IFS= read -rd '' ABOUT <<'END' || true
source ipv6.topo
plan 7a00979e2bf9
END
NAMESPACES=(
  ipv6-a
  ipv6-b
  ipv6-c
  ipv6-d
)

# === the lab ==================================================================

needs() {
need_bash
need_tool ip iproute2
need_tool flock util-linux
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool tc iproute2
need_root
need_folder /run/netns
need_folder /etc/netns
need_features <<'END'
need_right
need 'veth interfaces (module veth)' ip link add name p type veth peer name q
need 'the queueing discipline tbf (module sch_tbf)' tc qdisc replace dev lo root tbf rate 1mbit burst 10kb limit 10kb
need 'IPv6 (module ipv6)' test -d /proc/sys/net/ipv6
need 'routes with several next hops (CONFIG_IP_ROUTE_MULTIPATH)' ip route add 10.0.0.0/8 nexthop dev lo nexthop dev lo
need 'policy routing (CONFIG_IP_MULTIPLE_TABLES)' ip rule add pref 1000 from 10.0.0.1 lookup 10000
need 'MPTCP in the kernel (5.6) and in ip (iproute2 5.9)' ip mptcp limits set subflows 1
need 'namespaces with names (mounts in /run/netns; user.max_net_namespaces)' bash -c 'mount -n -t tmpfs tmpfs /run && ip netns add p'
need_sysctl net.ipv6.conf.all.disable_ipv6
need_sysctl net.ipv6.conf.all.forwarding
need_sysctl net.ipv6.conf.default.disable_ipv6
need_sysctl net.ipv6.conf.default.forwarding
need_sysctl net.ipv6.conf.all.accept_dad
need_sysctl net.ipv6.fib_multipath_hash_policy
need_sysctl net.mptcp.enabled
need_sysctl net.ipv4.tcp_notsent_lowat
each_copied show "$@"
END
need_names
}

build() {
# --- names --------------------------------------------------------------------
say "names"
IFS= read -rd '' hosts <<'HOSTS' || true
# mpc:ipv6
127.0.0.1 localhost
::1 localhost
fd00:1:0:c000::a1b:bdca a
fd00:1::92a7:8345 c.a
fd00:1::ed6:b8b5 d.a
fd00:1:0:c000::39:594a b
fd00:1::4634:7e65 c.b
fd00:1::a74b:8ad1 d.b
fd00:1:0:c000::2950:7ae2 c
fd00:1::92a7:8346 a.c
fd00:1::4634:7e66 b.c
fd00:1:0:c000::3f0:1689 d
fd00:1::ed6:b8b6 a.d
fd00:1::a74b:8ad2 b.d
HOSTS
{ trap "" HUP INT TERM; write_names "$hosts" '# This lab has no name server.'; } & parts+=($!)

# --- namespaces ---------------------------------------------------------------
say "namespaces"
feed ip -batch - <<'END'
netns add ipv6-a
netns add ipv6-b
netns add ipv6-c
netns add ipv6-d
END

# --- links --------------------------------------------------------------------
say "links"
feed ip -batch - <<'END'
link add name c netns ipv6-a type veth peer name a netns ipv6-c
link add name d netns ipv6-a type veth peer name a netns ipv6-d
link add name c netns ipv6-b type veth peer name b netns ipv6-c
link add name d netns ipv6-b type veth peer name b netns ipv6-d
END

# --- settings -----------------------------------------------------------------
say "settings"
reset_copied
configure \
  ipv6-a \
  ipv6-b \
  <<'END'
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=0
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=0
net.ipv6.conf.*.accept_dad=0
net.ipv6.fib_multipath_hash_policy=1
net.mptcp.enabled=1
net.ipv4.tcp_notsent_lowat=15625
END
configure \
  ipv6-c \
  ipv6-d \
  <<'END'
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=1
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=1
net.ipv6.conf.*.accept_dad=0
net.ipv6.fib_multipath_hash_policy=1
END

# --- interfaces ---------------------------------------------------------------
say "interfaces"
for ((part = 0; part < CPUS; part++)); do {
within ipv6-a tc -batch - <<'END'
qdisc add dev c root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev d root handle 1: tbf rate 20mbit burst 10000b limit 62500b
END
within ipv6-a ip -batch - <<'END'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::a1b:bdca/128 dev lo nodad
address add fd00:1::92a7:8345/126 dev c nodad
link set dev c up
address add fd00:1::ed6:b8b5/126 dev d nodad
link set dev d up
END
within ipv6-b tc -batch - <<'END'
qdisc add dev c root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev d root handle 1: tbf rate 20mbit burst 10000b limit 62500b
END
within ipv6-b ip -batch - <<'END'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::39:594a/128 dev lo nodad
address add fd00:1::4634:7e65/126 dev c nodad
link set dev c up
address add fd00:1::a74b:8ad1/126 dev d nodad
link set dev d up
END
within ipv6-c tc -batch - <<'END'
qdisc add dev a root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev b root handle 1: tbf rate 20mbit burst 10000b limit 62500b
END
within ipv6-c ip -batch - <<'END'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::2950:7ae2/128 dev lo nodad
address add fd00:1::92a7:8346/126 dev a nodad
link set dev a up
address add fd00:1::4634:7e66/126 dev b nodad
link set dev b up
END
within ipv6-d tc -batch - <<'END'
qdisc add dev a root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev b root handle 1: tbf rate 20mbit burst 10000b limit 62500b
END
within ipv6-d ip -batch - <<'END'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::3f0:1689/128 dev lo nodad
address add fd00:1::ed6:b8b6/126 dev a nodad
link set dev a up
address add fd00:1::a74b:8ad2/126 dev b nodad
link set dev b up
END
leave
} & parts+=($!); done
settle

# --- routes -------------------------------------------------------------------
say "routes"
for ((part = 0; part < CPUS; part++)); do {
within ipv6-a ip -batch - <<'END'
route add fd00:1:0:c000::39:594a src fd00:1:0:c000::a1b:bdca nexthop via fd00:1::92a7:8346 dev c nexthop via fd00:1::ed6:b8b6 dev d
route add fd00:1:0:c000::2950:7ae2 src fd00:1:0:c000::a1b:bdca via fd00:1::92a7:8346 dev c
route add fd00:1:0:c000::3f0:1689 src fd00:1:0:c000::a1b:bdca via fd00:1::ed6:b8b6 dev d
route add fd00:1::4634:7e64/126 via fd00:1::92a7:8346 dev c
route add fd00:1::a74b:8ad0/126 via fd00:1::ed6:b8b6 dev d
route add fd00:1:0:c000::39:594a via fd00:1::92a7:8346 dev c table 25203
route add fd00:1::4634:7e65 via fd00:1::92a7:8346 dev c table 25203
route add fd00:1::a74b:8ad1 via fd00:1::92a7:8346 dev c table 25203
route add fd00:1:0:c000::39:594a via fd00:1::ed6:b8b6 dev d table 41363
route add fd00:1::4634:7e65 via fd00:1::ed6:b8b6 dev d table 41363
route add fd00:1::a74b:8ad1 via fd00:1::ed6:b8b6 dev d table 41363
END
within ipv6-a ip -6 -batch - <<'END'
rule add pref 1100 to fd00:1::4634:7e65 lookup 25203
rule add pref 1100 to fd00:1::a74b:8ad1 lookup 41363
rule add pref 1200 from fd00:1::92a7:8345 lookup 25203
rule add pref 1200 from fd00:1::ed6:b8b5 lookup 41363
END
within ipv6-a ip -batch - <<'END'
mptcp limits set subflows 4 add_addr_accepted 0
mptcp endpoint add fd00:1::92a7:8345 dev c subflow
mptcp endpoint add fd00:1::ed6:b8b5 dev d subflow
END
within ipv6-b ip -batch - <<'END'
route add fd00:1:0:c000::a1b:bdca src fd00:1:0:c000::39:594a nexthop via fd00:1::4634:7e66 dev c nexthop via fd00:1::a74b:8ad2 dev d
route add fd00:1:0:c000::2950:7ae2 src fd00:1:0:c000::39:594a via fd00:1::4634:7e66 dev c
route add fd00:1:0:c000::3f0:1689 src fd00:1:0:c000::39:594a via fd00:1::a74b:8ad2 dev d
route add fd00:1::92a7:8344/126 via fd00:1::4634:7e66 dev c
route add fd00:1::ed6:b8b4/126 via fd00:1::a74b:8ad2 dev d
route add fd00:1:0:c000::a1b:bdca via fd00:1::4634:7e66 dev c table 25203
route add fd00:1::92a7:8345 via fd00:1::4634:7e66 dev c table 25203
route add fd00:1::ed6:b8b5 via fd00:1::4634:7e66 dev c table 25203
route add fd00:1:0:c000::a1b:bdca via fd00:1::a74b:8ad2 dev d table 41363
route add fd00:1::92a7:8345 via fd00:1::a74b:8ad2 dev d table 41363
route add fd00:1::ed6:b8b5 via fd00:1::a74b:8ad2 dev d table 41363
END
within ipv6-b ip -6 -batch - <<'END'
rule add pref 1100 to fd00:1::92a7:8345 lookup 25203
rule add pref 1100 to fd00:1::ed6:b8b5 lookup 41363
rule add pref 1200 from fd00:1::4634:7e65 lookup 25203
rule add pref 1200 from fd00:1::a74b:8ad1 lookup 41363
END
within ipv6-b ip -batch - <<'END'
mptcp limits set subflows 4 add_addr_accepted 0
mptcp endpoint add fd00:1::4634:7e65 dev c subflow
mptcp endpoint add fd00:1::a74b:8ad1 dev d subflow
END
within ipv6-c ip -batch - <<'END'
route add fd00:1:0:c000::a1b:bdca src fd00:1:0:c000::2950:7ae2 via fd00:1::92a7:8345 dev a
route add fd00:1:0:c000::39:594a src fd00:1:0:c000::2950:7ae2 via fd00:1::4634:7e65 dev b
route add fd00:1::ed6:b8b5 via fd00:1::92a7:8345 dev a
route add fd00:1::a74b:8ad1 via fd00:1::4634:7e65 dev b
END
within ipv6-d ip -batch - <<'END'
route add fd00:1:0:c000::a1b:bdca src fd00:1:0:c000::3f0:1689 via fd00:1::ed6:b8b5 dev a
route add fd00:1:0:c000::39:594a src fd00:1:0:c000::3f0:1689 via fd00:1::a74b:8ad1 dev b
route add fd00:1::92a7:8345 via fd00:1::ed6:b8b5 dev a
route add fd00:1::4634:7e65 via fd00:1::a74b:8ad1 dev b
END
leave
} & parts+=($!); done
settle
}

# === the runtime of mpc 0.1.0, for up =========================================

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
# `namespace NAME` for each that it makes, `made FOLDER` for what was not there before, and at its end `inode FILE NUMBER
# TIME` of each namespace, and `up`.
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
inodes() { TZ=UTC0 stat -Lc 'inode %n %i %z' "${@/#//run/netns/}" 2>/dev/null; }

noted() { [[ -n ${notes[$1]:-} ]]; }

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
# marking it, or only its name is left of it by a down that was cut short.
owned() {
  local link='' kind=''
  [[ $1 != "$foreign" ]] || return 1
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
  done < <(inodes "$@")
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

# Prints the processes in some namespaces, a PID a line.
residents() {
  local inode path
  local -A inside=()
  while read -r inode; do inside[$inode]=1; done < <(stat -Lc %i "${@/#//run/netns/}")
  while read -r inode path; do
    path=${path#/proc/}
    [[ -z ${inside[$inode]:-} ]] || printf '%s\n' "${path%%/*}"
  done < <(stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>/dev/null)
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

# Ends the processes in some namespaces: asks, waits up to 5 seconds, then kills.
end_processes() {
  local signal try pids
  for signal in TERM KILL; do
    for try in {1..50}; do
      mapfile -t pids < <(residents "$@")
      ((${#pids[@]})) || return 0
      ((try > 1)) || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
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
  rm -f "$CLAIM"
}

# Takes away all of some names that is this lab's, and nothing else; fails where something was left, and keeps what the
# claim says.
take_down() {
  local whose ns left=0 own=() more=()
  local -A ours=()
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
  ((${#more[@]} == 0)) || say "takes away what this script does not name, of the up $(about): ${more[*]}"
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    printf 'netns del %s\n' "${own[@]}" | ip -force -batch - || left=1
  fi
  remove_names "$@" || left=1
  remove_runs || left=1
  ((left && ${#notes[@]})) || remove_claim || left=1
  return "$left"
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

# === processes that run in the lab ============================================
FILES=$(ulimit -Sn)

# Notes what has the name of the folder of their logs already.
need_runs() { [[ ! -e $RUNS ]] || missing+=("the name $RUNS: something has it"); }

# Starts the command line that is the first line of its input, with the KEY=VALUE of the others: NAMESPACE NAME. It
# gets back what up has changed for itself, is told which node it runs on, keeps the claim locked until it is in its
# namespace, and has a session, a log and a file with its PID of its own.
start() {
  local lines
  mapfile -t lines
  (
    trap - PIPE INT QUIT
    ulimit -Sn "$FILES"
    export MPC_LAB=$LAB MPC_NODE=${2%.*} MPC_NETNS=$1
    exec setsid ip netns exec "$1" bash -c "$(declare -f become attend)"$'\nattend "$@"' bash "$RUNS/$2" "${lines[@]}"
  ) </dev/null >"$RUNS/$2.log" 2>&1 &
  started+=("$!") names+=("$2")
}

# Has a child become a command line, and notes how it ends. (What asks all of a namespace to end is to end that first.)
attend() {
  local fd status=0
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd < 3)) || exec {fd}>&-
  done
  exec {fd}>&2 2>/dev/null
  trap : HUP INT QUIT TERM USR1 USR2
  (become "$@" 2>&"$fd" {fd}>&-) || status=$?
  echo "$status" >"$1.end"
  exit "$status"
}

# Becomes a command line, with no other open file than the three of all programs.
become() {
  echo "$BASHPID" >"$1.pid"
  exec env "${@:3}" bash -c -- "$2"
}

# Waits until what was started is in its namespace, or has ended, for 10 seconds at most.
await() {
  local _
  for _ in {1..200}; do
    [[ ! -s $RUNS/$1.pid ]] || return 0
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  [[ -s $RUNS/$1.pid ]] || die "cannot start what runs as $1: $(<"$RUNS/$1.log")"
}

# Says which processes have ended with an error already.
watch() {
  local i status
  for i in "${!started[@]}"; do await "${names[i]}" "${started[i]}"; done
  sleep 0.2
  for i in "${!started[@]}"; do
    if ! kill -0 "${started[i]}" 2>/dev/null; then
      status=0
      wait "${started[i]}" || status=$?
      ((status == 0)) || say "warning: what runs as ${names[i]} ended with $status; see $RUNS/${names[i]}.log"
    fi
  done
}

# === what up tests, claims and takes back =====================================
TESTS_ONLY=${1:-}
missing=()
parts=()
# In a batch, ip(8) keeps a file open for each namespace that a link is made in.
ulimit -Sn "$(ulimit -Hn)"

[[ $# == 0 || $* == --preflight ]] || misuse "no such option: ${*: -1}"

need_bash() { ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || missing+=("bash 4.4 or later"); }

# Notes a tool that is not there, and the package that has it.
need_tool() { type -P "$1" >/dev/null || missing+=("the command $1 (package $2)"); }

# Notes that this is not root.
need_root() { ((EUID == 0)) || missing+=("root: run this with sudo"); }

# Notes a folder where something is to be written, and cannot be; the first folder above it that is there counts.
need_folder() {
  local folder=$1
  until [[ -e $folder ]]; do folder=${folder%/*}; done
  ((EUID)) || [[ -w $folder ]] || missing+=("a folder $folder that can be written")
}

# Notes what the kernel, a tool or this root's rights lack, and what of COPIED the host has changed, by the tests of its
# input. They are run where nothing that they make stays or is seen: among mounts of their own, in an empty namespace.
need_features() {
  local found line
  ((EUID == 0)) && type -P unshare >/dev/null || return 0
  found=$(
    export -f need need_right need_sysctl each_copied
    exec unshare --net --mount bash -s "${COPIED[@]}" 2>/dev/null
  ) || found="the right to make namespaces (CAP_SYS_ADMIN), or room for them (user.max_net_namespaces)"
  [[ -z $found ]] || while read -r line; do
    if [[ $line == ipv*/* ]]; then copied+=("$line"); else missing+=("$line"); fi
  done <<<"$found"
}

# Prints a feature where the command that tests it fails. Where its tool is missing, that is said already.
need() { ! type -P "$2" >/dev/null || "${@:2}" </dev/null >/dev/null 2>&1 || printf '%s\n' "$1"; }

# Ends the tests where none could tell anything.
need_right() {
  ! type -P ip >/dev/null || ip link set dev lo up 2>/dev/null || {
    echo "the right to configure networks (CAP_NET_ADMIN)"
    exit 0
  }
}

# Prints a sysctl that this kernel does not have, or that cannot be set here.
need_sysctl() { [[ -w /proc/sys/${1//.//} ]] || printf 'the sysctl %s, to be set\n' "$1"; }

# What a new namespace copies from the host (devconf_inherit_init_net in the kernel's admin-guide/sysctl/net.rst; of
# neigh, always), where a changed one could keep a lab from working, each with the kernel's own value; of forwarding
# that of conf/all, as setting that to what it is reaches no interface.
COPIED=(
  'ipv4/conf/*/accept_local 0'
  'ipv4/conf/*/arp_accept 0'
  'ipv4/conf/*/arp_announce 0'
  'ipv4/conf/*/arp_filter 0'
  'ipv4/conf/*/arp_ignore 0'
  'ipv4/conf/*/drop_gratuitous_arp 0'
  'ipv4/conf/*/forwarding all'
  'ipv4/conf/*/ignore_routes_with_linkdown 0'
  'ipv4/conf/*/proxy_arp 0'
  'ipv4/conf/*/proxy_arp_pvlan 0'
  'ipv4/conf/*/route_localnet 0'
  'ipv4/conf/*/src_valid_mark 0'
  'ipv6/conf/*/addr_gen_mode 0'
  'ipv6/conf/*/drop_unsolicited_na 0'
  'ipv6/conf/*/hop_limit 64'
  'ipv6/conf/*/ignore_routes_with_linkdown 0'
  'ipv6/conf/*/proxy_ndp 0'
  'ipv[46]/neigh/*/app_solicit 0'
  'ipv[46]/neigh/*/base_reachable_time_ms 30000'
  'ipv[46]/neigh/*/delay_first_probe_time 5'
  'ipv[46]/neigh/*/mcast_solicit 3'
  'ipv[46]/neigh/*/retrans_time_ms 1000'
  'ipv[46]/neigh/*/ucast_solicit 3'
)
copied=()

# Sets those that the host has changed to the kernel's own values in all namespaces.
reset_copied() {
  local ns
  ((${#copied[@]})) || return 0
  for ns in "${NAMESPACES[@]}"; do
    (export -f each_copied && exec nsenter --net="/run/netns/$ns" bash -c 'each_copied set "$@"' reset "${copied[@]}")
  done
}

# Sets those named, or shows which have another value.
each_copied() {
  local what=$1 copy path value now
  set +f
  for copy in "${@:2}"; do
    for path in /proc/sys/net/${copy% *}; do
      value=${copy#* }
      [[ $value != all ]] || read -r value <"${path%/*/*}/all/${path##*/}"
      [[ -e $path ]] && read -r now <"$path" && [[ $now != "$value" ]] || continue
      [[ $what == set ]] || { printf '%s\n' "$copy"; break; }
      printf '%s\n' "$value" >"$path" || return
    done
  done
}

# Notes what has the name of one of the namespaces already. A folder that an up of this lab has left is no matter.
need_names() {
  local ns link
  for ns in "${NAMESPACES[@]}"; do
    if [[ -e /run/netns/$ns ]]; then
      link=$(exec nsenter --net="/run/netns/$ns" ip link show dev lo 2>/dev/null) || true
      missing+=("the name $ns: a namespace has it$(lab_of "${link##* alias }")")
    fi
    read_first "/etc/netns/$ns/hosts"
    [[ ! -e /etc/netns/$ns || $first == "# $MARK" ]] ||
      missing+=("the name $ns: the folder /etc/netns/$ns has it$(lab_of "${first#"# "}")")
  done
}

# Prints whose a mark is, and what is known of the up that made it.
lab_of() {
  local CLAIM=/run/mpc-${1#mpc:}
  [[ $1 == mpc:* ]] || return 0
  [[ $1 != "$MARK" ]] || { printf ', of this lab: run its down script first'; return; }
  printf ', of the lab %s' "${1#mpc:}"
  ! read_claim || printf ', up %s' "$(about)"
}

# Refuses where the lab is claimed, or another has the lock. What is known of that is read again when this has it.
refuse() {
  [[ -n $lock ]] || { exec {lock}<"$CLAIM"; } 2>/dev/null || true
  ! read_claim || ! noted up || die "the lab is up $(about): run its down script first"
  { [[ -n $lock ]] && flock -n "$lock" && current && read_claim; } || die "an up, a down or a play of this lab is at work"
  [[ -s $CLAIM ]] || { rm -f "$CLAIM"; die "an up or a down of this lab was at work: run this again"; }
  ! noted up || die "the lab is up $(about): run its down script first"
  die "an up of this lab was cut short, $(about): run its down script first"
}

# Says which command failed. (ip(8) makes a namespace or leaves nothing, so that one that is there is another's.)
failed() {
  say "failed: $1"
  [[ $1 != "ip netns add "* ]] || spare "${1##* }"
}

# Claims the lab's name, where nothing is missing and more than these tests is asked for.
claim() {
  if ((${#missing[@]})); then
    say "error: nothing was changed, as this machine lacks:"
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
  [[ -z $TESTS_ONLY ]] || { say "this machine has all that the lab needs"; exit 0; }
  trap '' HUP INT TERM
  open_claim
  { flock -n "$lock" && current && [[ ! -s $CLAIM ]]; } || refuse
  guard
  trap 'failed "$BASH_COMMAND"' ERR
  printf '%ssince %(%F %T %Z)T\n' "$ABOUT" -1 >>"$CLAIM"
  ((${#NAMESPACES[@]} == 0)) || printf 'namespace %s\n' "${NAMESPACES[@]}" >>"$CLAIM"
  read_claim
}

note() {
  printf '%s\n' "$1" >>"$CLAIM"
  notes[$1]=1
}

# Notes which folders were not there before.
remember() {
  local folder
  for folder in /etc/netns /run/netns; do [[ -e $folder ]] || note "made $folder"; done
}

# Writes the files that ip-netns(8) shows programs in a namespace as those of /etc: a hosts file, which knows this machine
# by its own name too, unless that is a node's, and a resolv.conf without a server, so that other names fail at once.
# (Over a file that is not there, ip-netns(8) can put none, and says so at each call.) All namespaces have the same files,
# by hard links, as the names of all nodes in a file for each node would take much room.
# shellcheck disable=SC2016 # Expanded by that shell.
LINK='while read -r ns; do ln "$@" "/etc/netns/$ns/" || exit; done'
write_names() {
  local machine hosts=$1 folder=/etc/netns/${NAMESPACES[0]}
  local files=("$folder/hosts")
  read -r machine </proc/sys/kernel/hostname
  [[ ! $machine =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ || ${hosts,,} == *" ${machine,,}"$'\n'* ]] ||
    hosts+="127.0.1.1 $machine"$'\n'
  mkdir -p "${NAMESPACES[@]/#//etc/netns/}"
  printf %s "$hosts" >"${files[0]}"
  [[ ! -e /etc/resolv.conf ]] || { files+=("$folder/resolv.conf") && printf '# %s\n%s\n' "$MARK" "$2" >"${files[1]}"; }
  ((${#NAMESPACES[@]} == 1)) || printf '%s\n' "${NAMESPACES[@]:1}" | sh -c "$LINK" sh "${files[@]}"
}

# Takes away what a failed up has made.
undo() {
  say "taking away what was made"
  dismiss "${parts[@]}" "${started[@]}"
  # The first wait may tell of a signal that came before.
  ((${#parts[@]} == 0)) || wait "${parts[@]}" || wait "${parts[@]}" || true
  take_down "${NAMESPACES[@]}" || true
}

# Ends up. From here on a signal comes too late to take anything back.
complete() {
  trap '' HUP INT TERM
  ((${#NAMESPACES[@]} == 0)) || inodes "${NAMESPACES[@]}" >>"$CLAIM"
  note up
  trap - EXIT ERR
  say up
}

# Loads a module, where modules can be loaded.
load() { ! type -P modprobe >/dev/null || modprobe -q "$@" 2>/dev/null || true; }

# === the visitor ==============================================================
# A small shell that enters namespaces for a part of a script. It starts programs in half the time that this shell takes,
# which has all of the lab in its memory.
visitor=
from=
to=

# (Where a script has no streams, bash would take their numbers for the visitor's pipes.)
[[ -e /proc/self/fd/0 ]] || exec </dev/null
[[ -e /proc/self/fd/1 ]] || exec >/dev/null
[[ -e /proc/self/fd/2 ]] || exec 2>/dev/null

# Starts it, where it does not run yet.
start_visitor() {
  [[ -z $visitor ]] || return 0
  coproc VISITOR { exec sh 2>&1; }
  visitor=$VISITOR_PID
  # (Bash closes its own when that ends, and what it said last is lost.)
  # shellcheck disable=SC1083 # These braces name what is closed.
  exec {from}<&"${VISITOR[0]}" {to}>&"${VISITOR[1]}" {VISITOR[0]}<&- {VISITOR[1]}>&-
}

# Has it run a shell in a namespace: NAMESPACE SCRIPT ARGUMENT... The arguments are words that no shell expands.
send() { printf '%s\n' "nsenter --net='/run/netns/$1' sh -s - ${*:3} <<\"VISIT\"" "$2" VISIT 'printf "\000$?\n"' >&"$to" || true; }

# Waits for the end of that: what was said is then in `said`, and in `status` the exit status, if it came to one.
said=
status=
hear() { said='' status='' && IFS= read -rd '' -u "$from" said && read -ru "$from" status || true; }

# Ends it.
end_visitor() {
  exec {to}>&-
  IFS= read -rd '' -u "$from" said || true
  wait "$visitor"
}

# === batches, side by side ====================================================
# Sections are done in parts side by side, one for each processor: `part` is this one, `turn` counts.
part=
turn=0

# Starting programs is what takes the time, so a namespace is entered once for all of a section: `within` and
# `configure` note what is to be done there, each tool with its input, and `visit` has the visitor do it, while this shell
# reads what is next.
visited=
tools=()
inputs=()
entered=
entered_tools=()
entered_inputs=()
declare -A settings=()

# What a visit has beside tools: `put` sets sysctls, from lines of paths and values, in which `*` is any name; `lines`
# calls a tool for each line, as of more than 511 words `ip -batch` takes none.
IFS= read -rd '' PUT <<'PUT' || true
put() {
  row=0
  while read -r paths value; do
    row=$((row + 1))
    for path in $paths; do
      printf '%s\n' "$value" >"$path" || { echo "Command failed -:$row"; exit 1; }
    done
  done
}
lines() {
  row=0
  while read -r words; do
    row=$((row + 1))
    [ -z "$words" ] || "$1" $words || { echo "Command failed -:$row"; exit 1; }
  done
}
PUT

# Ends up with what a tool says of a row of its input.
reject() {
  local tool=$1 row=$2 input=$3 log=$4 rows=()
  [[ -z $row ]] || mapfile -t rows <<<"$input"
  row=${row:+ ${rows[row - 1]:-}}
  [[ $row != " netns add "* || $log != *"File exists"* ]] || spare "${row##* }"
  say "failed: $tool$row"
  die "$log"
}

# Sets `row` to the number of the row at which a command ended: ROWS LOG COMMAND... The tools tell it, but for a row that
# ip(8) or tc(8) cannot read: that is the first of which they say the same alone. (What was done before fails now, and
# all is taken back.)
row=
find_row() {
  local line number=0 said
  row=
  while IFS= read -r line; do
    number=$((number + 1))
    said=$("${@:3}" <<<"$line" 2>&1) || [[ -z $said || $2 != *"$said" ]] || { row=$number && return; }
  done <<<"${1%$'\n'}"
  return 1
}

# Feeds its input to a command. (`exec` saves a process.)
feed() {
  local input log
  IFS= read -rd '' input || true
  log=$(exec "$@" <<<"$input" 2>&1) || {
    if [[ $log =~ -:([0-9]+) ]]; then row=${BASH_REMATCH[1]}; else find_row "$input" "$log" "$@" || true; fi
    reject "$*" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
}

# Notes the sysctls of its input for some namespaces. In a key, `.` and `/` change places to make a path.
configure() {
  local key value paths='' ns
  while IFS='=' read -r key value; do
    key=${key//\//,} key=${key//.//} key=${key//,/.}
    paths+="/proc/sys/$key $value"$'\n'
  done
  for ns; do settings[$ns]=$paths; done
}

# Whether the namespace is this part's.
mine() { ((turn % CPUS == part)); }

# Notes a tool and its input for a namespace, where that is this part's, having visited the one before.
within() {
  local input
  [[ $1 == "$visited" ]] || next "$1"
  mine || return 0
  IFS= read -rd '' input || true
  tools+=("${*:2}") inputs+=("$input")
}

# Goes on to a namespace. The first part counts.
next() {
  visit
  visited=$1
  turn=$((turn + 1))
  ((part || turn % 100)) || say "$turn namespaces"
  ! mine || [[ -z ${settings[$1]:-} ]] || { tools=("put -") inputs=("${settings[$1]%$'\n'}"); }
}

# Finds the tool and the row that a visit ended at, where that does not tell: LOG.
blame() {
  local number words
  for number in "${!entered_tools[@]}"; do
    tool=${entered_tools[number]} input=${entered_inputs[number]}
    read -ra words <<<"$tool"
    [[ $tool == "put -" ]] || ! find_row "$input" "$1" nsenter --net="/run/netns/$entered" "${words[@]}" || return 0
  done
  tool='' row=''
}

# Has the visitor do what is noted, when it has done what was noted before. A tool that fails ends a visit with 100 and its
# number, but for the last, which the shell of the visit becomes. (`ip -n` would copy all the mounts of the host each time.)
visit() {
  local number last=$((${#tools[@]} - 1)) steps=''
  ((${#tools[@]})) || return 0
  start_visitor
  finish_visit
  for number in "${!tools[@]}"; do
    if ((number < last)); then
      steps+="${tools[number]} <<\"END\" || exit $((100 + number))"
    else
      [[ ${tools[number]} == "put -" || ${tools[number]} == "lines "* ]] || steps+="exec "
      steps+="${tools[number]} <<\"END\""
    fi
    steps+=$'\n'${inputs[number]%$'\n'}$'\nEND\n'
  done
  send "$visited" "$PUT${steps%$'\n'}"
  entered=$visited entered_tools=("${tools[@]}") entered_inputs=("${inputs[@]}")
  tools=() inputs=()
}

# Waits for the end of the visit that the visitor is at.
finish_visit() {
  local log number tool='' input=''
  [[ -n $entered ]] || return 0
  hear
  log=${said%$'\n'} row=
  [[ $status == 0 ]] || {
    number=$((${#entered_tools[@]} - 1))
    ((status < 100 || status > 100 + number)) || number=$((status - 100))
    if [[ $log =~ (-|stdin):([0-9]+) ]]; then
      row=${BASH_REMATCH[2]} tool=${entered_tools[number]} input=${entered_inputs[number]}
    else
      blame "$log"
    fi
    reject "in $entered: $tool" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
  entered=
}

# Ends a part of a section, when all that is noted is done.
leave() {
  visit
  finish_visit
  [[ -z $visitor ]] || end_visitor || die "what enters namespaces has failed: $said"
}

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() settings=() part=
  ((failed == 0)) || exit 1
}

# === routes told in short =====================================================
# Adds routes to the input that was noted last: HOPS TARGET...
routes() {
  local rows
  mine || return 0
  # shellcheck disable=SC2059 # (HOPS has no %)
  printf -v rows "route add %s $1\n" "${@:2}"
  inputs[-1]+=$rows
}

# === ports of switches ========================================================
# Whether every port of a bridge forwards, or is left out by the spanning tree.
is_settled() {
  local ports
  ports=$(exec nsenter --net="/run/netns/$1" ip -d link show type bridge_slave) || die "cannot see the ports of $1"
  [[ ! $ports =~ bridge_slave\ state\ (disabled|listening|learning) ]]
}

# Waits until all ports of some bridges are settled, and half a minute at most. The kernel may take a second to
# notice that both ends of a link are up, and a spanning tree has ports listen and learn for 2 seconds each.
await_ports() {
  local ns try=0
  say "waiting for the ports of $# switches to forward"
  for ns; do
    until is_settled "$ns"; do
      ((++try < 300)) || die "the ports of $ns do not come to forward"
      sleep 0.1
    done
  done
}

# === the call =================================================================
[[ ! -s $CLAIM ]] || refuse
needs
claim
remember
build
complete
}
