#!/usr/bin/env bash
# Takes down the lab "topologies". Written by mpc 0.1.0 from topologies.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=topologies
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

CLAIM=/run/mpc-$LAB
MARK=mpc:$LAB

say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Whether an up has claimed the lab and has not come to its end.
unfinished() { [[ -d $CLAIM && ! -e $CLAIM/up ]]; }

# Whether a namespace is this lab's: it has our mark, or an unfinished up has not come to marking it.
owned() {
  local link=
  link=$(ip -n "$1" link show dev lo 2>/dev/null) || true
  if [[ $link == *alias* ]]; then
    [[ $link$'\n' == *"alias $MARK"$'\n'* ]]
  else
    unfinished
  fi
}

# Prints the processes in some namespaces, a PID a line.
residents() {
  local inode path
  local -A inside=()
  while read -r inode; do inside[$inode]=1; done < <(stat -Lc %i "${@/#//run/netns/}")
  while read -r inode path; do
    [[ -z ${inside[$inode]:-} ]] || grep -o '[0-9]*' <<<"${path%/ns/net}"
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

# Takes away the hosts file of one namespace and its folder.
remove_names() {
  local folder=/etc/netns/$1 first=
  [[ -d $folder ]] || return 0
  [[ ! -f $folder/hosts ]] || read -r first <"$folder/hosts" || true
  if [[ $first != "# $MARK" ]] && ! unfinished; then
    say "left $folder alone: this lab did not make it"
    return 1
  fi
  rm -f "$folder/hosts"
  rmdir "$folder" || { say "left $folder: it is not empty"; return 1; }
}

# Leaves a folder that was not there before this lab for another lab to remove, where one still uses it.
bequeath() {
  local other
  [[ -e $CLAIM/$1 && -e $2 ]] || return 0
  for other in /run/mpc-*; do
    [[ $other == "$CLAIM" || ! -d $other ]] || { : >"$other/$1"; return; }
  done
}

# Takes away the claim, and the folders that were not there before this lab.
remove_claim() {
  [[ -d $CLAIM ]] || return 0
  [[ ! -e $CLAIM/etc-netns ]] || rmdir --ignore-fail-on-non-empty /etc/netns
  bequeath etc-netns /etc/netns
  if [[ -e $CLAIM/run-netns ]] && ! compgen -G '/run/netns/*' >/dev/null; then
    umount -n /run/netns && rmdir /run/netns
  fi
  bequeath run-netns /run/netns
  rm -f "$CLAIM"/{up,etc-netns,run-netns}
  rmdir "$CLAIM"
}

# Takes away all that this lab made, and nothing else; fails where something was left, and keeps the claim.
take_down() {
  local ns left=0 own=()
  for ns in "${NAMESPACES[@]}"; do
    [[ -e /run/netns/$ns ]] || continue
    if owned "$ns"; then
      own+=("$ns")
    else
      say "left the namespace $ns alone: this lab did not make it"
      left=1
    fi
  done
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    printf 'netns del %s\n' "${own[@]}" | ip -batch - || left=1
  fi
  for ns in "${NAMESPACES[@]}"; do remove_names "$ns" || left=1; done
  ((left)) || remove_claim || left=1
  return "$left"
}

((EUID == 0)) || die "must run as root"
take_down
say down
}
