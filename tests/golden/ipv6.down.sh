#!/usr/bin/env bash
# Takes down the lab "ipv6". Written by mpc 0.1.0 from ipv6.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 22899d230427094b4621b4d99903f174fd03c391ea0aea7dcbed8cb0d0565955
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
usage: down.sh
Takes down the lab "ipv6".
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
  take_down "${!named[@]}"
  say down
}

# === the call =================================================================
down
}
