#!/usr/bin/env bash
# Brings up the lab "pinned". Written by mpc 0.1.0 from pinned.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=pinned
NAMESPACES=(
  client
  server
  west
  east
)

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# === the claim ================================================================
# A file that up, down and play lock while they are at work, as do their children. It has a note a line:
# `made FOLDER` for what was not there before the lab, and `up` at the end of up.
CLAIM=/run/mpc-$LAB

noted() { [[ -e $CLAIM && $'\n'$(<"$CLAIM")$'\n' == *$'\n'"$1"$'\n'* ]]; }

# === what up and down share ===================================================
CPUS=$(nproc 2>/dev/null || echo 2)
RUNS=$CLAIM.d
MARK=mpc:$LAB

# Whether an up has claimed the lab and has not come to its end.
unfinished() { [[ -e $CLAIM ]] && ! noted up; }

# Notes a namespace that somebody else made while up was at work.
foreign=
spare() { foreign=$1; }

# Whether a namespace is this lab's: it has our mark, or an unfinished up has not come to marking it, or only its
# name is left of it by a down that was cut short.
owned() {
  local link='' kind=''
  [[ $1 != "$foreign" ]] || return 1
  link=$(exec nsenter --net="/run/netns/$1" ip link show dev lo 2>/dev/null) || kind=$(stat -fc %T "/run/netns/$1" 2>/dev/null) || true
  if [[ $link == *alias* ]]; then
    [[ $link$'\n' == *"alias $MARK"$'\n'* ]]
  else
    unfinished || [[ -e $CLAIM && -n $kind && $kind != nsfs ]]
  fi
}

# Prints those of some namespaces that are there, a line each, with `own` or `other` before it. They are tested
# side by side, in a part for each processor.
sort_out() {
  local part number ns
  for ((part = 1; part <= CPUS; part++)); do
    for ((number = part; number <= $#; number += CPUS)); do
      ns=${!number}
      [[ ! -e /run/netns/$ns ]] || { owned "$ns" && echo "own $ns"; } || echo "other $ns"
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

# Ends the processes in some namespaces: asks, waits up to 5 seconds, then kills.
end_processes() {
  local signal try pids
  for signal in TERM KILL; do
    for try in {1..50}; do
      mapfile -t pids < <(residents "$@")
      ((${#pids[@]})) || return 0
      ((try > 1)) || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
      sleep 0.1
    done
  done
  say "these processes do not end: ${pids[*]}"
  return 1
}

# Whether a folder is one that a down which was cut short has emptied.
half_removed() { [[ -e $CLAIM ]] && ! compgen -G "$1/*" >/dev/null; }

# Takes away the lab's hosts files, and their folders.
remove_names() {
  local ns folder first files=() folders=() left=0
  for ns in "${NAMESPACES[@]}"; do
    folder=/etc/netns/$ns first=
    [[ -d $folder ]] || continue
    [[ ! -f $folder/hosts ]] || read -r first <"$folder/hosts" || true
    if [[ $first == "# $MARK" ]] || unfinished || half_removed "$folder"; then
      files+=("$folder/hosts") folders+=("$folder")
    else
      say "left $folder alone: this lab did not make it"
      left=1
    fi
  done
  ((${#folders[@]})) || return "$left"
  rm -f "${files[@]}" || left=1
  rmdir "${folders[@]}" || left=1
  return "$left"
}

# Takes away the folder of what ran in the lab, which is there as long as the lab is claimed.
remove_runs() {
  [[ -e $RUNS ]] || return 0
  [[ -e $CLAIM ]] || { say "left $RUNS alone: this lab did not make it"; return 1; }
  rm -r "$RUNS"
}

# Takes away the claim, and what was not there before this lab: where another lab uses that, it is told to.
remove_claim() {
  local folder other
  [[ -e $CLAIM ]] || return 0
  for folder in /etc/netns /run/netns; do
    noted "made $folder" && [[ -e $folder ]] || continue
    if compgen -G "$folder/*" >/dev/null; then
      for other in /run/mpc-*; do
        [[ $other == "$CLAIM" || -d $other ]] || { echo "made $folder" >>"$other" && break; }
      done
    else
      umount -n "$folder" 2>/dev/null || true
      rmdir "$folder" || return
    fi
  done
  rm -f "$CLAIM"
}

# Takes away all that this lab made, and nothing else; fails where something was left, and keeps the claim.
take_down() {
  local whose ns left=0 own=()
  while read -r whose ns; do
    if [[ $whose == own ]]; then
      own+=("$ns")
    else
      say "left the namespace $ns alone: this lab did not make it"
      left=1
    fi
  done < <(sort_out "${NAMESPACES[@]}")
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    printf 'netns del %s\n' "${own[@]}" | ip -force -batch - || left=1
  fi
  remove_names || left=1
  remove_runs || left=1
  ((left)) || remove_claim || left=1
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

# Undoes what there is to undo, and ends the script with a status, whatever signals follow the one that asks for it.
end() {
  trap '' HUP INT TERM
  trap - EXIT ERR
  undo
  exit "$1"
}

# Asks processes to end: PID...
dismiss() { (($# == 0)) || kill "$@" 2>/dev/null || true; }

# === what up tests, claims and takes back =====================================
TESTS_ONLY=${1:-}
missing=()
parts=()
# In a batch, ip(8) keeps a file open for each namespace that a link is made in.
ulimit -Sn "$(ulimit -Hn)"

[[ $# == 0 || $* == --preflight ]] || die "usage: up.sh [--preflight]"

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

# Notes what the kernel, a tool or this root's rights lack, by the tests of its input. They are run where nothing
# that they make stays or is seen: among mounts of their own, in an empty namespace.
need_features() {
  local found
  ((EUID == 0)) && type -P unshare >/dev/null || return 0
  found=$(export -f need need_right need_sysctl && unshare --net --mount bash -s 2>/dev/null) ||
    found="the right to make namespaces (CAP_SYS_ADMIN), or room for them (user.max_net_namespaces)"
  [[ -z $found ]] || missing+=("${found//$'\n'/$'\n  '}")
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

# Notes what has the name of one of the namespaces already. A folder that an up of this lab has left is no matter.
need_names() {
  local ns first
  for ns in "${NAMESPACES[@]}"; do
    [[ ! -e /run/netns/$ns ]] || missing+=("the name $ns: a namespace has it")
    [[ -e /etc/netns/$ns ]] || continue
    first=
    { read -r first <"/etc/netns/$ns/hosts"; } 2>/dev/null || true
    [[ $first == "# $MARK" ]] || missing+=("the name $ns: the folder /etc/netns/$ns has it")
  done
}

# Refuses where the lab is claimed.
refuse() {
  ! noted up || die "the lab is up: run its down script first"
  flock -n "$CLAIM" true || die "another up or down of this lab is at work"
  die "an up of this lab was cut short: run its down script first"
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
  (set -o noclobber && : >"$CLAIM") 2>/dev/null || { [[ ! -e $CLAIM ]] || refuse; die "cannot make $CLAIM"; }
  guard
  trap 'failed "$BASH_COMMAND"' ERR
  exec {lock}>>"$CLAIM"
  # (Another up that is refused holds the lock for a moment; a down has taken the claim away when it lets go.)
  flock -w 1 "$lock" && [[ $CLAIM -ef /proc/self/fd/$lock ]] || die "a down of this lab is at work"
}

note() { printf '%s\n' "$1" >>"$CLAIM"; }

# Notes which folders were not there before.
remember() {
  local folder
  for folder in /etc/netns /run/netns; do [[ -e $folder ]] || note "made $folder"; done
}

# Takes away what a failed up has made.
undo() {
  say "taking away what was made"
  dismiss "${parts[@]}" "${started[@]}"
  # The first wait may tell of a signal that came before.
  ((${#parts[@]} == 0)) || wait "${parts[@]}" || wait "${parts[@]}" || true
  take_down || true
}

# Loads a module, where modules can be loaded.
load() { ! type -P modprobe >/dev/null || modprobe -q "$@" 2>/dev/null || true; }

# === batches, side by side ====================================================
# Sections are done in parts side by side, one for each processor: `part` is this one, `turn` counts.
part=
turn=0

# Starting programs is what takes the time, so a namespace is entered once for all of a section: `within` and
# `configure` note what is to be done there, each tool with its input, and `visit` does it. Up to four tools.
visited=
tools=()
inputs=()
declare -A settings=()

# What a visit sets sysctls by: from a file of paths and values, in which `*` is any name.
IFS= read -rd '' PUT <<'PUT' || true
put() {
  row=0
  while read -r paths value; do
    row=$((row + 1))
    for path in $paths; do
      printf '%s\n' "$value" >"$path" || { echo "Command failed $1:$row"; exit 1; }
    done
  done <"$1"
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

# Feeds its input to a command. (`exec` saves a process.)
feed() {
  local input log row=''
  IFS= read -rd '' input || true
  log=$(exec "$@" <<<"$input" 2>&1) || {
    [[ ! $log =~ -:([0-9]+) ]] || row=${BASH_REMATCH[1]}
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

# Does what is noted. (`ip -n` would copy all the mounts of the host each time.)
visit() {
  local number steps='' log tool='' row='' input=''
  ((${#tools[@]})) || return 0
  for number in "${!tools[@]}"; do steps+=" && ${tools[number]%-}/dev/fd/$((number + 3))"; done
  log=$(exec nsenter --net="/run/netns/$visited" sh -c "$PUT ${steps#* && }" 2>&1 \
    3<<<"${inputs[0]}" 4<<<"${inputs[1]:-}" 5<<<"${inputs[2]:-}" 6<<<"${inputs[3]:-}") || {
    if [[ $log =~ /dev/fd/([0-9]+):([0-9]+) ]]; then
      number=$((BASH_REMATCH[1] - 3)) row=${BASH_REMATCH[2]}
      tool=${tools[number]} input=${inputs[number]}
    fi
    reject "in $visited: $tool" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
  tools=() inputs=()
}

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() settings=() part=
  ((failed == 0)) || exit 1
}

# === the lab: nothing is changed until all of this holds ======================
[[ ! -e $CLAIM ]] || refuse
need_bash
need_tool ip iproute2
need_tool flock util-linux
need_tool nsenter util-linux
need_tool unshare util-linux
need_root
need_folder /run/netns
need_folder /etc/netns
load dummy numdummies=0
need_features <<'END'
need_right
need 'veth interfaces (module veth)' ip link add name p type veth peer name q
need 'dummy interfaces (module dummy)' ip link add name d type dummy
need 'namespaces with names (mounts in /run/netns; user.max_net_namespaces)' bash -c 'mount -t tmpfs tmpfs /run && ip netns add p'
need_sysctl net.ipv4.ip_forward
need_sysctl net.ipv4.conf.all.rp_filter
need_sysctl net.ipv4.fib_multipath_hash_policy
END
need_names
claim
remember

# --- names --------------------------------------------------------------------
say "names"
IFS= read -rd '' hosts <<'HOSTS' || true
# mpc:pinned
127.0.0.1 localhost
::1 localhost
192.0.2.1 client
198.51.100.1 eth0.client
198.51.100.6 eth1.client
192.0.2.2 server
192.0.2.3 server
203.0.113.1 eth0.server
203.0.113.3 eth1.server
198.51.100.2 eth0.west
203.0.113.0 eth1.west
198.51.100.5 eth0.east
203.0.113.2 eth1.east
HOSTS
{
trap '' HUP INT TERM
mkdir -p "${NAMESPACES[@]/#//etc/netns/}"
for ns in "${NAMESPACES[@]}"; do printf %s "$hosts" >"/etc/netns/$ns/hosts"; done
} & parts+=($!)

# --- namespaces ---------------------------------------------------------------
say "namespaces"
feed ip -batch - <<'END'
netns add client
netns add server
netns add west
netns add east
END

# --- links --------------------------------------------------------------------
say "links"
feed ip -batch - <<'END'
link add name eth0 netns client type veth peer name eth0 netns west
link add name eth1 netns client type veth peer name eth0 netns east
link add name eth1 netns west type veth peer name eth0 netns server
link add name eth1 mtu 1492 netns east type veth peer name eth1 mtu 1492 netns server
link add name dummy0 netns server type dummy
END

# --- settings -----------------------------------------------------------------
say "settings"
configure \
  client \
  server \
  east \
  <<'END'
net.ipv4.ip_forward=0
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
END
configure \
  west \
  <<'END'
net.ipv4.ip_forward=1
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
END

# --- interfaces ---------------------------------------------------------------
say "interfaces"
for ((part = 0; part < CPUS; part++)); do {
within client ip -batch - <<'END'
link set dev lo up alias mpc:pinned
address add 192.0.2.1/32 dev lo
address add 198.51.100.1/30 dev eth0
link set dev eth0 up
address add 198.51.100.6/30 dev eth1
link set dev eth1 up
END
within server ip -batch - <<'END'
link set dev lo up alias mpc:pinned
address add 192.0.2.2/32 dev dummy0
address add 192.0.2.3/32 dev dummy0
link set dev dummy0 up
address add 203.0.113.1/31 dev eth0
link set dev eth0 up
address add 203.0.113.3/31 dev eth1
link set dev eth1 up
END
within west ip -batch - <<'END'
link set dev lo up alias mpc:pinned
address add 198.51.100.2/30 dev eth0
link set dev eth0 up
address add 203.0.113.0/31 dev eth1
link set dev eth1 up
END
within east ip -batch - <<'END'
link set dev lo up alias mpc:pinned
address add 198.51.100.5/30 dev eth0
link set dev eth0 up
address add 203.0.113.2/31 dev eth1
link set dev eth1 up
END
visit
} & parts+=($!); done
settle

# --- routes -------------------------------------------------------------------
say "routes"
for ((part = 0; part < CPUS; part++)); do {
within client ip -batch - <<'END'
route add default via 198.51.100.2 dev eth0
route add 203.0.113.2 via 198.51.100.5 dev eth1
route add 192.0.2.0/30 src 192.0.2.1 via 198.51.100.2 dev eth0
END
within server ip -batch - <<'END'
route add default via 203.0.113.0 dev eth0
route add 198.51.100.5 via 203.0.113.2 dev eth1
route add 192.0.2.0/30 src 192.0.2.2 via 203.0.113.0 dev eth0
END
within west ip -batch - <<'END'
route add 192.0.2.1 via 198.51.100.1 dev eth0
route add 192.0.2.2 via 203.0.113.1 dev eth1
route add 192.0.2.3 via 203.0.113.1 dev eth1
route add 198.51.100.6 via 198.51.100.1 dev eth0
route add 203.0.113.3 via 203.0.113.1 dev eth1
END
within east ip -batch - <<'END'
route add 192.0.2.1 via 198.51.100.6 dev eth0
route add 192.0.2.2 via 203.0.113.3 dev eth1
route add 192.0.2.3 via 203.0.113.3 dev eth1
route add 198.51.100.1 via 198.51.100.6 dev eth0
route add 203.0.113.1 via 203.0.113.3 dev eth1
END
visit
} & parts+=($!); done
settle

note up
trap - EXIT HUP INT TERM
say up
}
