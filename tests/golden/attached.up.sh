#!/usr/bin/env bash
# Brings up the lab "attached". Written by mpc 0.1.0 from attached.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 7001a63565e072a63a09f5ed146f4b13c3948bb5ec3b0a02e64e86bb3cf09a14
# Attached: db1 of podman, as attached-db
# Attached: cache of docker, as attached-cache
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE CONTAINERS ATTACHED WIRES PCAPS PLAY
export LC_ALL=C
umask 022
trap '' PIPE

LAB='attached'
IFS= read -rd '' USAGE <<'END' || true
usage: up.sh [--preflight]
Brings up the lab "attached".
  --preflight  only tests whether this machine has all that the lab needs
END
IFS= read -rd '' ABOUT <<'END' || true
source attached.topo
plan ffeea402ff02
END
NAMESPACES=(
  attached-db
  attached-cache
  attached-client
  attached-r
  attached-s
)
ATTACHED=(
  attached-db
  attached-cache
)

# === the lab ==================================================================

needs() {
need_bash
need_tool ip iproute2
need_tool flock util-linux
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool tc iproute2
need_tool setsid util-linux
need_tool podman podman
need_tool docker docker.io
need_root
need_folder /run/netns
need_folder /etc/netns
meanwhile need_containers podman
meanwhile need_containers docker
need_features <<'END'
need_right
need 'veth interfaces (module veth)' ip link add name p type veth peer name q
need 'the queueing discipline tbf (module sch_tbf)' tc qdisc replace dev lo root tbf rate 1mbit burst 10kb limit 10kb
need 'the queueing discipline netem (module sch_netem)' tc qdisc replace dev lo root netem delay 1ms
need 'the queueing discipline bfifo (module sch_bfifo)' tc qdisc replace dev lo root bfifo limit 10kb
need 'routes with several next hops (CONFIG_IP_ROUTE_MULTIPATH)' ip route add 10.0.0.0/8 nexthop dev lo nexthop dev lo
need 'policy routing (CONFIG_IP_MULTIPLE_TABLES)' ip rule add pref 1000 from 10.0.0.1 lookup 10000
need 'MPTCP in the kernel (5.6) and in ip (iproute2 5.9)' ip mptcp limits set subflows 1
need 'names for namespaces that are there (iproute2 5.0)' bash -c 'mount -n -t tmpfs tmpfs /run && ip netns attach p $$'
need 'namespaces with names (mounts in /run/netns; user.max_net_namespaces)' bash -c 'mount -n -t tmpfs tmpfs /run && ip netns add p'
need_sysctl net.ipv4.ip_forward
need_sysctl net.ipv4.conf.all.rp_filter
need_sysctl net.ipv4.fib_multipath_hash_policy
need_sysctl net.mptcp.enabled
need_sysctl net.ipv4.tcp_notsent_lowat
each_copied show "$@"
END
need_names
need_runs
hear_tests
need_attached podman db1 r s
need_attached docker cache r
}

build() {
# --- names --------------------------------------------------------------------
say "names"
IFS= read -rd '' hosts <<'HOSTS' || true
# mpc:attached
127.0.0.1 localhost
::1 localhost
10.206.249.132 db
10.90.254.41 r.db
10.21.219.9 s.db
10.255.192.111 cache
10.43.116.225 r.cache
10.221.192.54 client
10.119.3.69 r.client
10.112.247.193 s.client
10.240.82.151 r
10.90.254.42 db.r
10.119.3.70 client.r
10.43.116.226 cache.r
10.197.114.189 s
10.21.219.10 db.s
10.112.247.194 client.s
HOSTS
{ trap "" HUP INT TERM; write_names "$hosts" '# This lab has no name server.'; } & parts+=($!)

# --- namespaces ---------------------------------------------------------------
say "namespaces"
feed ip -batch - <<'END'
netns add attached-client
netns add attached-r
netns add attached-s
END

# --- attached -----------------------------------------------------------------
say "attached"
note "made $RUNS"
mkdir "$RUNS"
attach attached-db podman db1 <<'END'
ip link del dev r
ip link del dev s
ip address del 10.206.249.132/32 dev lo
ip rule del pref 1100 to 10.119.3.69 lookup 57732
ip rule del pref 1100 to 10.112.247.193 lookup 29015
ip rule del pref 1200 from 10.90.254.41 lookup 57732
ip rule del pref 1200 from 10.21.219.9 lookup 29015
limits
endpoint 10.90.254.41
endpoint 10.21.219.9
END
attach attached-cache docker cache <<'END'
ip link del dev r
ip address del 10.255.192.111/32 dev lo
END

# --- links --------------------------------------------------------------------
say "links"
feed ip -batch - <<'END'
link add name r netns attached-db type veth peer name db netns attached-r
link add name s netns attached-db type veth peer name db netns attached-s
link add name r netns attached-client type veth peer name client netns attached-r
link add name s netns attached-client type veth peer name client netns attached-s
link add name r netns attached-cache type veth peer name cache netns attached-r
END

# --- settings -----------------------------------------------------------------
say "settings"
reset_copied
configure \
  attached-db \
  attached-client \
  <<'END'
net.ipv4.ip_forward=0
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
net.mptcp.enabled=1
net.ipv4.tcp_notsent_lowat=15625
END
configure \
  attached-cache \
  <<'END'
net.ipv4.ip_forward=0
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
END
configure \
  attached-r \
  attached-s \
  <<'END'
net.ipv4.ip_forward=1
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
END

# --- interfaces ---------------------------------------------------------------
say "interfaces"
for ((part = 0; part < CPUS; part++)); do {
within attached-db tc -batch - <<'END'
qdisc add dev r root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev r parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev r parent 10:1 bfifo limit 89752b
qdisc add dev s root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev s parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev s parent 10:1 bfifo limit 89752b
END
within attached-db ip -batch - <<'END'
address add 10.206.249.132/32 dev lo
address add 10.90.254.41/30 dev r
link set dev r up
address add 10.21.219.9/30 dev s
link set dev s up
END
within attached-cache ip -batch - <<'END'
address add 10.255.192.111/32 dev lo
address add 10.43.116.225/30 dev r
link set dev r up
END
within attached-client tc -batch - <<'END'
qdisc add dev r root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev r parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev r parent 10:1 bfifo limit 89752b
qdisc add dev s root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev s parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev s parent 10:1 bfifo limit 89752b
END
within attached-client ip -batch - <<'END'
link set dev lo up alias mpc:attached
address add 10.221.192.54/32 dev lo
address add 10.119.3.69/30 dev r
link set dev r up
address add 10.112.247.193/30 dev s
link set dev s up
END
within attached-r tc -batch - <<'END'
qdisc add dev db root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev db parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev db parent 10:1 bfifo limit 89752b
qdisc add dev client root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev client parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev client parent 10:1 bfifo limit 89752b
END
within attached-r ip -batch - <<'END'
link set dev lo up alias mpc:attached
address add 10.240.82.151/32 dev lo
address add 10.90.254.42/30 dev db
link set dev db up
address add 10.119.3.70/30 dev client
link set dev client up
address add 10.43.116.226/30 dev cache
link set dev cache up
END
within attached-s tc -batch - <<'END'
qdisc add dev db root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev db parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev db parent 10:1 bfifo limit 89752b
qdisc add dev client root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev client parent 1:1 handle 10: netem limit 6265 delay 5ms
qdisc add dev client parent 10:1 bfifo limit 89752b
END
within attached-s ip -batch - <<'END'
link set dev lo up alias mpc:attached
address add 10.197.114.189/32 dev lo
address add 10.21.219.10/30 dev db
link set dev db up
address add 10.112.247.194/30 dev client
link set dev client up
END
leave
} & parts+=($!); done
settle

# --- routes -------------------------------------------------------------------
say "routes"
for ((part = 0; part < CPUS; part++)); do {
within attached-db ip -batch - <<'END'
route add 10.255.192.111 src 10.206.249.132 via 10.90.254.42 dev r
route add 10.240.82.151 src 10.206.249.132 via 10.90.254.42 dev r
route add 10.221.192.54 src 10.206.249.132 nexthop via 10.90.254.42 dev r nexthop via 10.21.219.10 dev s
route add 10.197.114.189 src 10.206.249.132 via 10.21.219.10 dev s
route add 10.119.3.68/30 via 10.90.254.42 dev r
route add 10.43.116.224/30 via 10.90.254.42 dev r
route add 10.112.247.192/30 via 10.21.219.10 dev s
route add 10.221.192.54 via 10.90.254.42 dev r table 57732
route add 10.119.3.69 via 10.90.254.42 dev r table 57732
route add 10.112.247.193 via 10.90.254.42 dev r table 57732
route add 10.221.192.54 via 10.21.219.10 dev s table 29015
route add 10.119.3.69 via 10.21.219.10 dev s table 29015
route add 10.112.247.193 via 10.21.219.10 dev s table 29015
rule add pref 1100 to 10.119.3.69 lookup 57732
rule add pref 1100 to 10.112.247.193 lookup 29015
rule add pref 1200 from 10.90.254.41 lookup 57732
rule add pref 1200 from 10.21.219.9 lookup 29015
mptcp limits set subflows 4 add_addr_accepted 0
mptcp endpoint add 10.90.254.41 dev r subflow
mptcp endpoint add 10.21.219.9 dev s subflow
END
within attached-cache ip -batch - <<'END'
route add default via 10.43.116.226 dev r
route add 10.192.0.0/10 src 10.255.192.111 via 10.43.116.226 dev r
END
within attached-client ip -batch - <<'END'
route add 10.206.249.132 src 10.221.192.54 nexthop via 10.119.3.70 dev r nexthop via 10.112.247.194 dev s
route add 10.255.192.111 src 10.221.192.54 via 10.119.3.70 dev r
route add 10.240.82.151 src 10.221.192.54 via 10.119.3.70 dev r
route add 10.197.114.189 src 10.221.192.54 via 10.112.247.194 dev s
route add 10.90.254.40/30 via 10.119.3.70 dev r
route add 10.43.116.224/30 via 10.119.3.70 dev r
route add 10.21.219.8/30 via 10.112.247.194 dev s
route add 10.206.249.132 via 10.119.3.70 dev r table 57732
route add 10.90.254.41 via 10.119.3.70 dev r table 57732
route add 10.21.219.9 via 10.119.3.70 dev r table 57732
route add 10.206.249.132 via 10.112.247.194 dev s table 29015
route add 10.90.254.41 via 10.112.247.194 dev s table 29015
route add 10.21.219.9 via 10.112.247.194 dev s table 29015
rule add pref 1100 to 10.90.254.41 lookup 57732
rule add pref 1100 to 10.21.219.9 lookup 29015
rule add pref 1200 from 10.119.3.69 lookup 57732
rule add pref 1200 from 10.112.247.193 lookup 29015
mptcp limits set subflows 4 add_addr_accepted 0
mptcp endpoint add 10.119.3.69 dev r subflow
mptcp endpoint add 10.112.247.193 dev s subflow
END
within attached-r ip -batch - <<'END'
route add 10.206.249.132 src 10.240.82.151 via 10.90.254.41 dev db
route add 10.255.192.111 src 10.240.82.151 via 10.43.116.225 dev cache
route add 10.221.192.54 src 10.240.82.151 via 10.119.3.69 dev client
route add 10.21.219.9 via 10.90.254.41 dev db
route add 10.112.247.193 via 10.119.3.69 dev client
END
within attached-s ip -batch - <<'END'
route add 10.206.249.132 src 10.197.114.189 via 10.21.219.9 dev db
route add 10.221.192.54 src 10.197.114.189 via 10.112.247.193 dev client
route add 10.90.254.41 via 10.21.219.9 dev db
route add 10.119.3.69 via 10.112.247.193 dev client
END
leave
} & parts+=($!); done
settle

# --- processes ----------------------------------------------------------------
say "processes"
start_inside attached-db db <<'END'
exec podman exec --env MPC_LAB=attached --env MPC_NODE=db --env MPC_NETNS=attached-db db1 sleep infinity
END
watch
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

# === processes that run in the lab ============================================
FILES=$(ulimit -Sn)

# Notes what has the name of the folder of their logs already.
need_runs() { [[ ! -e $RUNS ]] || missing+=("the name $RUNS: something has it"); }

# Starts a command line in a namespace: NAMESPACE NAME.
start() { launch "$@" ip netns exec "$1"; }

# Starts one that has the container of a namespace run a command. (An engine needs the mounts of this machine.)
start_inside() { launch "$@" nsenter --net="/run/netns/$1"; }

# Starts the command line that is the first line of its input, with the KEY=VALUE of the others, by what enters its
# namespace: NAMESPACE NAME COMMAND... It gets back what up has changed for itself, is told which node it runs on, keeps the claim locked until it is in its
# namespace, and has a session, a log and a file with its PID of its own.
launch() {
  local lines
  mapfile -t lines
  (
    trap - PIPE INT QUIT
    ulimit -Sn "$FILES"
    export MPC_LAB=$LAB MPC_NODE=${2%.*} MPC_NETNS=$1
    exec setsid "${@:3}" bash -c "$(declare -f become attend)"$'\nattend "$@"' bash "$RUNS/$2" "${lines[@]}"
  ) </dev/null >>"$RUNS/$2.log" 2>&1 &
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

# Waits until what was started listens at a port of its namespace: NAME NAMESPACE PORT.
await_run_port() { await_ready see_over "$1" listens "$2" "$3" || unready "$1" "does not listen at port $3"; }

# Waits until a command succeeds, which tells that what was started is ready: NAME COMMAND...
await_run() { await_ready see_over "$1" timeout -k 5 5 "${@:2}" || unready "$1" "is not ready: $(quoted "${@:2}") does not succeed"; }

# Fails where what was started has ended with an error.
see_over() {
  local status=0
  [[ ! -s $RUNS/$1.end ]] || read -r status <"$RUNS/$1.end"
  ((status == 0)) || unready "$1" "ended with $status"
}

# Fails, with the last lines of what was started: NAME WHAT.
unready() {
  say "the last lines of $1:"$'\n'"$(tail -n 5 "$RUNS/$1.log")"
  die "what runs as $1 $2"
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
TESTS_ONLY=
# Where captures are written, and under which names.
PCAPS+=()
CAPTURES=.
missing=()
parts=()
# In a batch, ip(8) keeps a file open for each namespace that a link is made in.
ulimit -Sn "$(ulimit -Hn)"

while (($#)); do
  case $1 in
    --preflight) TESTS_ONLY=$1 ;;
    --captures)
      ((${#PCAPS[@]})) || misuse "the lab has no captures"
      [[ -n ${2:-} ]] || misuse "--captures takes a folder"
      CAPTURES=$2
      shift
      ;;
    *) misuse "no such option: $1" ;;
  esac
  shift
done

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
  ((${#CONTAINERS[@]} == 0)) || printf 'container %s\n' "${CONTAINERS[@]}" >>"$CLAIM"
  ((${#ATTACHED[@]} == 0)) || printf 'attached %s\n' "${ATTACHED[@]}" >>"$CLAIM"
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

# Waits until no part is at work. (A `wait` in a trap that has interrupted another may not see that a part has ended, and
# would last as long as what is captured.)
await_parts() {
  local pid
  for pid in "${parts[@]}"; do while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done; done
}

# Takes away what a failed up has made.
undo() {
  say "taking away what was made"
  dismiss "${parts[@]}" "${started[@]}"
  await_parts
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

# === how teql devices are taken ===============================================
# Sets `free` to the devices that this namespace has, and that are down and have no leg in it.
free=()
find_slots() {
  local told line
  free=()
  told=$(exec ip -o link show)
  while read -r line; do
    [[ $line =~ ^[0-9]+:\ (teql[0-9]+):\ \<([^>]*)\> ]] || continue
    [[ ,${BASH_REMATCH[2]}, == *,UP,* || $told == *" qdisc ${BASH_REMATCH[1]} "* ]] || free+=("${BASH_REMATCH[1]}")
  done <<<"$told"
}

# Notes where this machine does not have so many: COUNT. Where the module is not there, it is loaded to see, and unloaded
# again. (A signal waits for that. The claim says so meanwhile, for the down after an up that is killed.)
need_slots() {
  local stopped=''
  ((EUID == 0)) && type -P ip >/dev/null && type -P flock >/dev/null || return 0
  if [[ -e $TEQL ]]; then
    find_slots
  else
    trap 'stopped=1' HUP INT TERM
    open_claim
    { flock -n "$lock" && current && [[ ! -s $CLAIM ]]; } || refuse
    trap end_trial EXIT
    printf '%ssince %(%F %T %Z)T\nmodule sch_teql\n' "$ABOUT" -1 >>"$CLAIM"
    lock_slots
    load sch_teql max_equalizers="$1"
    find_slots
    end_trial
    trap - HUP INT TERM
    [[ -z $stopped ]] || exit 130
  fi
  ((${#free[@]} >= $1)) || missing+=("$1 free teql devices (module sch_teql, in the first namespace); there are ${#free[@]} here")
}
end_trial() {
  trap - EXIT
  unload_slots || true
  unlock_slots
  rm -f "$CLAIM" || : >"$CLAIM"
  exec {lock}<&-
  lock=
}

# Takes a device for each row of its input, and makes it the queueing discipline of some interfaces: NAMESPACE NAME LEG...
take_slots() {
  local rows=() number ns name legs moves='' leg lines
  mapfile -t rows
  lock_slots
  [[ -e $TEQL ]] || { note "module sch_teql" && load sch_teql max_equalizers="${#rows[@]}"; }
  find_slots
  ((${#free[@]} >= ${#rows[@]})) || die "there are ${#free[@]} free teql devices, and not ${#rows[@]}"
  for number in "${!rows[@]}"; do
    read -r ns name legs <<<"${rows[number]}"
    note "slot $ns $name ${free[number]}"
    moves+="link set dev ${free[number]} netns $ns name $name"$'\n'
  done
  feed ip -batch - <<<"${moves%$'\n'}"
  unlock_slots
  for number in "${!rows[@]}"; do
    read -r ns name legs <<<"${rows[number]}"
    lines=
    for leg in $legs; do lines+="qdisc add dev $leg root ${free[number]}"$'\n'; done
    feed nsenter --net="/run/netns/$ns" tc -batch - <<<"${lines%$'\n'}"
  done
}

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
# calls a tool for each line, as of more than 511 words `ip -batch` takes none. (`put` goes to a directory below
# /proc/sys/net and looks names up there. Those of all namespaces have one parent, where the kernel goes through all of one
# name: of a thousand namespaces, that would be most of what a visit takes.)
IFS= read -rd '' PUT <<'PUT' || true
fail() { echo "Command failed -:$row"; exit 1; }
put() {
  row=0 inside=
  while read -r paths value; do
    row=$((row + 1)) name=${paths#/proc/sys/net/}
    case $name in
      "$inside"/*) ;;
      */*) inside=${name%%/*} && cd "/proc/sys/net/$inside" ;;
      *) inside= && cd /proc/sys/net ;;
    esac || fail
    for path in ${name#"$inside"/}; do printf '%s\n' "$value" >"$path" || fail; done
  done
  cd /
}
lines() {
  row=0
  while read -r words; do
    row=$((row + 1))
    [ -z "$words" ] || "$1" $words || fail
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
# Adds routes to the input that was noted last: HOPS TARGET... (Only for its own namespaces does a part expand these.)
routes() {
  local rows
  # shellcheck disable=SC2059 # (HOPS has no %)
  printf -v rows "route add %s $1\n" "${@:2}"
  inputs[-1]+=$rows
}

# === ports of switches ========================================================
# Whether every port of a bridge forwards, or is left out by the spanning tree. `dark` is then the ports whose links
# are not known to be up.
dark=()
is_settled() {
  local ports line
  ports=$(exec nsenter --net="/run/netns/$1" ip -d -o link show type bridge_slave) || die "cannot see the ports of $1"
  dark=()
  while IFS= read -r line; do
    [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ bridge_slave\ state\ disabled ]] || dark+=("${BASH_REMATCH[1]}")
  done <<<"$ports"
  [[ ! $ports =~ bridge_slave\ state\ (disabled|listening|learning) ]]
}

# Waits until all ports of some bridges are settled, and half a minute at most. The kernel may take a second to
# notice that both ends of a link are up, if they have the same number; Linux 6.18 does so at once when it is asked about
# the port. And a spanning tree has ports listen and learn for 2 seconds each.
await_ports() {
  local ns try=0
  say "waiting for the ports of $# switches to forward"
  for ns; do
    until is_settled "$ns"; do
      ((++try < 300)) || die "the ports of $ns do not come to forward"
      ((${#dark[@]} == 0)) || printf 'link show dev %s\n' "${dark[@]}" |
        nsenter --net="/run/netns/$ns" ip -batch - >/dev/null 2>&1 || true
      ((try == 1)) || sleep 0.1
    done
  done
}

# === legs of bonds and teqls ==================================================
# Whether a namespace's bonds have found that all legs work, and by 802.3ad that they lead to one neighbour; and whether
# the legs of its teqls, which are bridges, have a carrier. A bond of active-backup that asks by ARP does so over the leg in
# use alone, and takes the others for broken until then.
is_bonded() {
  local told line asking=' '
  local broken='(NO-CARRIER[^>]*MASTER| q\.[^:]+: <[^>]*,UP>|mii_status (DOWN|GOING_|BACK)|ad_num_ports [01] )'
  told=$(exec nsenter --net="/run/netns/$1" ip -d -o link show) || die "cannot see the legs in $1"
  while read -r line; do
    [[ ! $line =~ ^[0-9]+:\ ([^:@]+).*\ mode\ active-backup\ .*\ arp_interval\ [1-9] ]] || asking+="${BASH_REMATCH[1]} "
  done <<<"$told"
  while read -r line; do
    [[ $line =~ \ master\ ([^\ ]+) && $asking == *" ${BASH_REMATCH[1]} "* ]] || [[ ! $line =~ $broken ]] || return 1
  done <<<"$told"
}

# Waits until the legs of all of these work, in some looks in a row, and half a minute at most: LOOKS NAMESPACE... A bond looks
# at carriers every 100 milliseconds. By ARP it takes a leg for broken at first, where its other end is up later than it;
# and by 802.3ad it talks to the other end for some seconds.
await_legs() {
  local ns try=0 looks=$1 left=$1
  shift
  say "waiting for the legs in $# namespaces to work"
  while ((left)); do
    ((++try < 300)) || die "the legs of bonds or teqls do not come to work"
    ((left--))
    for ns; do is_bonded "$ns" || left=$looks; done
    sleep 0.1
  done
}

# === containers are started ===================================================
AT_ONCE=8
started_containers=0
declare -A engine_of=()
for name in "${CONTAINERS[@]}"; do engine_of[${name#*:}]=${name%%:*}; done
# This machine's programs and their libraries, for the anchors of docker, whose images may have none.
BASE=()
for folder in /lib /lib64 /usr; do
  [[ ! -e $folder ]] || BASE+=(--mount "type=bind,src=$folder,dst=$folder,readonly")
done

# Has a test done beside those that follow: COMMAND...
tests=()
meanwhile() {
  local from
  exec {from}< <(missing=() && "$@" && printf '%s\n' "${missing[@]}" tested)
  tests+=("$from")
}

# Notes what such tests have found.
hear_tests() {
  local from found
  for from in "${tests[@]}"; do
    mapfile -t found <&"$from"
    exec {from}<&-
    [[ ${found[-1]:-} == tested ]] || die "a test of this machine has ended early"
    missing+=("${found[@]:0:${#found[@]} - 1}")
  done
}

# Notes an engine that does not answer or is that of another machine, names that it has given away, and images that it
# does not have: ENGINE IMAGE...
need_containers() {
  local engine=$1 name whose image told status
  type -P "$engine" >/dev/null && ((EUID == 0)) || return 0
  "is_here_$engine" || {
    missing+=("$engine on this machine: the environment names another")
    return 0
  }
  "list_names_$engine" || {
    missing+=("$engine that answers")
    return 0
  }
  while read -r name whose; do
    [[ " ${CONTAINERS[*]} " != *" $engine:$name "* ]] ||
      missing+=("the name $name: a container has it$(lab_of "${whose:+mpc:$whose}")")
  done <<<"$answer"
  (($# == 1)) || has_images "$@" || for image in "${@:2}"; do
    status=0
    has_images "$engine" "$image" || status=$?
    ((status != 124)) || { missing+=("$engine that answers") && return; }
    ((status == 0)) || missing+=("the image $image ($engine pull $image)")
  done
}

# Whether an engine has images: ENGINE IMAGE...
has_images() { told=$(bounded "$PATIENCE" "$1" image inspect --format '{{.Id}}' "${@:2}"); }

# Notes a container that is not to be attached: which does not run, has the network of this machine, is in a lab, or has
# interfaces that are called like those of the node: ENGINE NAME INTERFACE...
declare -A attached_by=()
need_attached() {
  local running pid lab told inode link
  type -P "$1" >/dev/null && ((EUID == 0)) && "is_here_$1" || return 0
  local asked='{{.State.Running}} {{.State.Pid}} {{index .Config.Labels "mpc.lab"}}'
  told=$(bounded "$PATIENCE" "$1" container inspect --format "$asked" "$2") || {
    if (($? == 124)); then missing+=("$1 that answers"); else missing+=("a container $2 of $1"); fi
    return 0
  }
  read -r running pid lab <<<"$told"
  [[ -n $lab ]] || lab=$(lab_with "$pid")
  inode=$(stat -Lc %i "/proc/$pid/ns/net" 2>/dev/null) || inode=$2
  if [[ $running != true ]]; then
    missing+=("a container $2 that runs: it does not")
  elif [[ /proc/$pid/ns/net -ef /proc/self/ns/net ]]; then
    missing+=("a network of its own for the container $2: it has that of this machine")
  elif [[ -n $lab ]]; then
    missing+=("a container $2 that is in no lab: it is in the lab $lab")
  elif [[ -n ${attached_by[$inode]:-} ]]; then
    missing+=("a network of its own for the container $2: it has that of ${attached_by[$inode]}")
  else
    attached_by[$inode]=$2
    told=$(nsenter --net="/proc/$pid/ns/net" ip -o link show 2>/dev/null) || true
    for link in "${@:3}"; do
      [[ ! $told =~ :\ "$link"[@:] ]] || missing+=("the interface name $link in the container $2: it has one")
    done
  fi
}

# Prints the lab that has the namespace of a process: PID.
lab_with() {
  local claim what ns _
  for claim in /run/mpc-*; do
    [[ -f $claim ]] || continue
    while read -r what ns _; do
      [[ $what != namespace || ! /run/netns/$ns -ef /proc/$1/ns/net ]] || { echo "${claim#/run/mpc-}" && return; }
    done <"$claim"
  done
}

# Attaches a container: NAMESPACE ENGINE NAME, and the rows that undo what is added are the input.
attach() {
  [[ ! -e /run/netns/$1 ]] || { spare "$1" && die "there is a namespace $1 already"; }
  ask_engine "$2" container inspect --format '{{.State.Pid}}' "$3" || exit 1
  ((answer)) || die "the container $3 does not run"
  adopt "$1" "$answer" || die "cannot attach the container $3"
}

# Whether the engine that the environment names is one of this machine.
is_here_podman() { [[ -z ${CONTAINER_HOST:-}${CONTAINER_CONNECTION:-} ]]; }
is_here_docker() {
  local at
  at=$(bounded "$PATIENCE" docker context inspect --format '{{.Endpoints.docker.Host}}') || return 0
  [[ $at == unix:* ]]
}

# Has an engine list all its containers, with the labs that have made them.
list_names_podman() { ask_engine podman ps --all --external --format '{{.Names}} {{index .Labels "mpc.lab"}}'; }
list_names_docker() { ask_engine docker ps --all --format '{{.Names}} {{.Label "mpc.lab"}}'; }

# Writes the resolv.conf of containers, which names no server, so that unknown names fail at once.
no_server() { printf '# %s\n%s\n' "$MARK" "$1" >"$RUNS/resolv.conf"; }

# Starts a container by a command, where that is this part's.
contain() { ((started_containers++ % AT_ONCE != part)) || call_engine "$@"; }

# Finds the library by which mptcpize(8) has programs open MPTCP connections where they ask for TCP.
WRAPPER=()
need_wrapper() {
  local line library=
  while IFS= read -r line; do
    [[ $line != LD_PRELOAD=* ]] || library=${line#*=}
  done < <(mptcpize run env 2>/dev/null)
  WRAPPER=(--volume "$library:/libmptcpwrap.so:ro" --env LD_PRELOAD=/libmptcpwrap.so)
  [[ -f $library ]] || missing+=("the library libmptcpwrap, which \`mptcpize run\` preloads")
}

# The same as contain, with that library: ENGINE run OPTION...
wrap() { ((started_containers++ % AT_ONCE != part)) || call_engine "${@:1:2}" "${WRAPPER[@]}" "${@:3}"; }

# Says which containers have a first program without that library: NAME... It is static; one for musl does not start.
see_wrapped() {
  local name _
  for name; do
    ask_engine "${engine_of[$name]}" container inspect --format '{{.State.Pid}}' "$name" || exit 1
    ((answer)) || continue
    for _ in 1 2 3 4 5; do
      ! grep -qs libmptcpwrap "/proc/$answer/maps" || continue 2
      sleep 0.1
    done
    say "warning: the first program of $name is static, so that mptcpize cannot give it MPTCP"
  done
}

# Starts the anchor of the container that is next, and waits until it has entered the namespace: NAMESPACE docker run
# OPTION...
hold() {
  ((started_containers % AT_ONCE == part)) || return 0
  call_engine "${@:2:2}" "${BASE[@]}" "${@:4}"
  await_anchor "$1"
}

# Calls an engine, which is to do what it is told.
call_engine() {
  local log
  log=$(bounded "$PATIENCE" "$@") || {
    say "failed: $*"
    die "$log"
  }
}

# Waits until an anchor has entered its namespace, for 30 seconds at most: NAMESPACE.
await_anchor() {
  local pid end=$((SECONDS + 30))
  while ((SECONDS < end)); do
    ask_engine docker container inspect --format '{{.State.Pid}}' "$1.net" || exit 1
    pid=$answer
    ((pid)) || break
    [[ $'\n'$(ip netns identify "$pid")$'\n' != *$'\n'"$1"$'\n'* ]] || return 0
    sleep 0.05
  done
  say_last "$1.net"
  die "the container $1.net does not enter the namespace $1"
}

# Waits until a container listens at a port: NAME PORT.
await_port() {
  await_ready see_ended "$1" listens "$1" "$2" || {
    say_last "$1"
    die "the container $1 does not listen at port $2"
  }
}

# Waits until a command in a container succeeds: NAME COMMAND...
await_command() {
  await_ready see_ended "$1" timeout -k 5 5 "${engine_of[$1]}" exec "$@" || {
    say_last "$1"
    die "the container $1 is not ready: $(quoted "${@:2}") does not succeed"
  }
}

# Says the last lines of a container.
say_last() { say "the last lines of $1:"$'\n'"$(bounded "$PATIENCE" "${engine_of[${1%.net}]}" logs --tail 5 "$1")"; }

# Fails where a container has ended with an error: of these names, or of all.
see_ended() {
  local engine name own
  (($#)) || set -- "${CONTAINERS[@]#*:}"
  for engine in podman docker; do
    own=()
    for name; do [[ ${engine_of[$name]} != "$engine" ]] || own+=("$name"); done
    ((${#own[@]} == 0)) || see_ended_of "$engine" "${own[@]}"
  done
}

# The same of an engine: ENGINE NAME...
see_ended_of() {
  local name pid status
  ask_engine "$1" container inspect --format '{{.Name}} {{.State.Pid}} {{.State.ExitCode}}' "${@:2}" || exit 1
  while read -r name pid status; do
    name=${name#/}
    ((pid)) || {
      say_last "$name"
      ((status == 0)) || die "the container $name has ended with $status"
      say "warning: the container $name has ended with 0"
    }
  done <<<"$answer"
}

# === captures =================================================================
# Notes what keeps captures from being written, the names of which are those of PCAPS.
need_captures() {
  local file
  if [[ ! -d $CAPTURES || $CAPTURES == *$'\n'* || ($EUID == 0 && ! -w $CAPTURES) ]]; then
    missing+=("a folder ${CAPTURES//$'\n'/?} that can be written, for captures")
    return
  fi
  CAPTURES=$(cd -P -- "$CAPTURES" && pwd)
  CAPTURES=${CAPTURES%/}
  for file in "${PCAPS[@]}"; do
    [[ ! -e $CAPTURES/$file && ! -L $CAPTURES/$file ]] ||
      missing+=("the name $CAPTURES/$file: something has it (--captures DIR has captures written elsewhere)")
  done
}

# Captures what an interface sends and receives: NAMESPACE NODE INTERFACE SNAP FILE. tcpdump(8) begins at interfaces that
# are up, so this one is, and down again when the capture has begun: as the other end of its link is down meanwhile, it has
# no packets before. A sixth word is for a device, which stays up, with all that its commands gave it. (tcpdump(8) does not
# tell of a disk that is full: cat(1) does, and ends.)
# shellcheck disable=SC2016 # Expanded by that shell.
TCPDUMP='set -o pipefail; tcpdump -i "$DEVICE" -n -p -U -s "$SNAP" -w - | (trap "" TERM; exec cat >>"$FILE")'
capture() {
  local _ name=$2:$3 file=$CAPTURES/$5 log=$RUNS/$2:$3.log
  note "capture $file"
  (set -C && : >"$file") 2>/dev/null || { notes["capture $file"]='' && die "cannot make $file"; }
  ip -n "$1" link set dev "$3" up
  start_inside "$1" "$name" <<<"$TCPDUMP"$'\n'"DEVICE=$3"$'\n'"SNAP=$4"$'\n'"FILE=$file"
  for _ in {1..500}; do
    [[ ! -s $log || $(<"$log") != *"listening on $3, "* ]] || break
    kill -0 "${started[-1]}" 2>/dev/null || break
    sleep 0.02
  done
  [[ $(<"$log") == *"listening on $3, "* ]] || die "cannot capture $name: $(<"$log")"
  [[ -n ${6:-} ]] || ip -n "$1" link set dev "$3" down
}

# === the call =================================================================
[[ ! -s $CLAIM ]] || refuse
needs
claim
remember
build
complete
}
