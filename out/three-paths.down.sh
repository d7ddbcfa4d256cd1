#!/usr/bin/env bash
# Takes down the lab "three-paths". Written by mpc 0.1.0 from three-paths.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB='three-paths'
NAMESPACES=(
  three-paths-laptop
  three-paths-server
  three-paths-wifi
  three-paths-lte
  three-paths-dsl
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

# === down =====================================================================
((EUID == 0)) || die "must run as root"
(($# == 0)) || die "usage: down.sh"

# Where an up or a down of this lab is at work, or what one that was killed has started, waits for its end.
if [[ -e $CLAIM ]]; then
  exec {lock}>>"$CLAIM"
  flock -n "$lock" || { say "waiting for an up, a down or a play of this lab"; flock -w 60 "$lock"; } ||
    die "an up, a down or a play of this lab is still at work"
  [[ $CLAIM -ef /proc/self/fd/$lock || ! -e $CLAIM ]] || die "another up of this lab has begun: run this again"
fi
take_down
say down
}
