#!/usr/bin/env bash
# Plays the events of the lab "proved" that is up. Written by mpc 0.1.0 from proved.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 6f229b10ff445a8e9585b14e63a0c60ccc12c4c07d07a07f5ee63582a60b7912
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE CONTAINERS ATTACHED WIRES PCAPS PLAY
export LC_ALL=C
umask 022
trap '' PIPE

LAB='proved'
IFS= read -rd '' USAGE <<'END' || true
usage: play.sh [--for SECONDS]
Plays the events of the lab "proved" that is up.
  --for SECONDS  ends the play then, before its last event or after it
END

# === the lab ==================================================================

needs() {
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool flock util-linux
need_queues tbf netem bfifo <<'END'
qdisc replace dev lo root tbf rate 1mbit burst 10kb limit 10kb
qdisc replace dev lo root netem delay 1ms
qdisc replace dev lo root bfifo limit 10kb
END
}

restore() {
again links proved-a ip <<'END'
link set dev d up
address replace 10.86.184.181/30 dev d
END
again links proved-d ip <<'END'
link set dev a up
address replace 10.86.184.182/30 dev a
END
again links proved-a ip <<'END'
route replace 10.249.89.74 src 10.219.189.202 nexthop via 10.39.131.70 dev c nexthop via 10.86.184.182 dev d
route replace 10.240.22.137 src 10.219.189.202 via 10.86.184.182 dev d
route replace 10.75.138.208/30 via 10.86.184.182 dev d
route replace 10.249.89.74 via 10.86.184.182 dev d table 41363
route replace 10.52.126.101 via 10.86.184.182 dev d table 41363
route replace 10.75.138.209 via 10.86.184.182 dev d table 41363
END
again links proved-d ip <<'END'
route replace 10.219.189.202 src 10.240.22.137 via 10.86.184.181 dev a
route replace 10.39.131.69 via 10.86.184.181 dev a
END
again proved-a:c proved-a tc <<'END'
qdisc del dev c root
qdisc add dev c root handle 1: tbf rate 5mbit burst 6056b limit 15625b
END
:
}

events() {
await 500
alter proved-a:c
within proved-a tc <<'END'
qdisc change dev c root handle 1: tbf rate 1mbit burst 6056b limit 6056b
END
happened 500 'shape a:c rate 1mbit'

await 1000
alter links
within proved-a ip <<'END'
link set dev d down
END
within proved-d ip <<'END'
link set dev a down
END
happened 1000 'down a:d -- d:a'

await 1500
alter links
within proved-a ip <<'END'
link set dev d up
address replace 10.86.184.181/30 dev d
END
within proved-d ip <<'END'
link set dev a up
address replace 10.86.184.182/30 dev a
END
within proved-a ip <<'END'
route replace 10.249.89.74 src 10.219.189.202 nexthop via 10.39.131.70 dev c nexthop via 10.86.184.182 dev d
route replace 10.240.22.137 src 10.219.189.202 via 10.86.184.182 dev d
route replace 10.75.138.208/30 via 10.86.184.182 dev d
route replace 10.249.89.74 via 10.86.184.182 dev d table 41363
route replace 10.52.126.101 via 10.86.184.182 dev d table 41363
route replace 10.75.138.209 via 10.86.184.182 dev d table 41363
END
within proved-d ip <<'END'
route replace 10.219.189.202 src 10.240.22.137 via 10.86.184.181 dev a
route replace 10.39.131.69 via 10.86.184.181 dev a
END
happened 1500 'up a:d -- d:a'

await 1500
alter proved-a:c
within proved-a tc <<'END'
qdisc del dev c root
qdisc add dev c root handle 1: tbf rate 1mbit burst 6056b limit 6056b
qdisc add dev c parent 1:1 handle 10: netem limit 8473 delay 10ms
qdisc add dev c parent 10:1 bfifo limit 9084b
END
happened 1500 'shape a:c rate 1mbit delay 10ms'
}

# === the runtime of mpc 0.1.0, for play =======================================

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

# === play =====================================================================
# Events are told on standard output, a line each: when it was due, when it had happened, and what it was.
touched=" "
text=
length=

if (($#)); then
  [[ $1 == --for ]] || misuse "no such option: $1"
  [[ $# == 2 && $2 =~ ^([0-9]{1,6})(\.([0-9]{1,2}))?$ ]] || misuse "--for takes seconds, as 30 or 0.5"
  length=${BASH_REMATCH[3]}00
  length=$((10#${BASH_REMATCH[1]}${length:0:2}))
fi
((EUID == 0)) || die "must run as root"

# Sets `text` to hundredths of a second as seconds.
seconds() { printf -v text '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

# Tests whether the kernel has the queueing disciplines that its input makes, where nobody sees them.
need_queues() { unshare --net tc -batch - >/dev/null 2>&1 || die "this kernel has not all of: $*"; }

# Begins a play, alone: no up, no down and no other play is at work on the lab. However it ends, the lab is as before.
begin() {
  { exec {lock}<"$CLAIM"; } 2>/dev/null || die "the lab is not up"
  flock -n "$lock" || die "an up, a down or a play of this lab is at work"
  { current && read_claim && noted up; } || die "the lab is not up"
  guard
  printf 'due\thappened\tevent\n'
  set_clock
}

# Waits until a time of the play.
sleep_until() {
  while clock && ((now < $1)); do
    seconds "$(($1 - now))"
    sleep "$text" {lock}>&- &
    started=("$!")
    wait "$!"
    started=()
  done
}

# Waits until an event is due; where that is later than the play is to last, it ends when that is over.
await() {
  [[ -z $length ]] || (($1 <= length)) || close
  sleep_until "$1"
}

# Tells of an event that was due at a time: TIME WHAT.
happened() {
  local due
  seconds "$1"
  due=$text
  clock
  seconds "$now"
  printf '%s\t%s\t%s\n' "$due" "$text" "$2"
}

# Feeds its input to a tool in a namespace, to the end: NAMESPACE TOOL, or NAMESPACE lines TOOL, which has more words
# in a line than a batch takes.
enter() {
  if [[ $2 == lines ]]; then
    # shellcheck disable=SC2016 # (for sh)
    nsenter --net="/run/netns/$1" sh -c 'failed=0; while read -r words; do "$0" $words || failed=1; done; exit "$failed"' "$3"
  else
    nsenter --net="/run/netns/$1" "$2" -force -batch -
  fi
}

# Feeds its input to a tool, and ends the play where that fails.
within() { enter "$@" || die "in $1: ${*:2} failed"; }

# Notes that something is not as up made it.
alter() { [[ $touched == *" $1 "* ]] || touched+="$1 "; }

# Feeds its input to a tool, come what may, where something there is not as up made it.
again() { [[ $touched != *" $1 "* ]] || enter "${@:2}" 2>/dev/null || true; }

# Ends a play when its last event has happened, or when it has lasted as long as is asked for.
close() {
  [[ -z $length ]] || sleep_until "$length"
  exit 0
}

# Makes the lab as up made it.
undo() {
  dismiss "${started[@]}"
  say "as up made it"
  restore
}

# === the call =================================================================
needs
begin
events
close
}
