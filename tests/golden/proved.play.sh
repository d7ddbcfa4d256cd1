#!/usr/bin/env bash
# Plays the events of the lab "proved" that is up. Written by mpc 0.1.0 from proved.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=proved

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# === the claim ================================================================
# A file that up, down and play lock while they are at work, as do their children. It has a note a line:
# `made FOLDER` for what was not there before the lab, and `up` at the end of up.
CLAIM=/run/mpc-$LAB

noted() { [[ -e $CLAIM && $'\n'$(<"$CLAIM")$'\n' == *$'\n'"$1"$'\n'* ]]; }

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

# Undoes what there is to undo, and ends the script with a status, whatever signals follow the one that asks for it.
end() {
  trap '' HUP INT TERM
  trap - EXIT ERR
  undo
  exit "$1"
}

# Asks processes to end: PID...
dismiss() { (($# == 0)) || kill "$@" 2>/dev/null || true; }

# === play =====================================================================
# Events are told on standard output, a line each: when it was due, when it had happened, and what it was.
touched=" "
text=
length=0

usage() { say "usage: play.sh [--for SECONDS]"; exit 2; }

if (($#)); then
  [[ $# == 2 && $1 == --for && $2 =~ ^[0-9]{1,6}$ ]] || usage
  length=$((10#$2 * 100))
fi
((EUID == 0)) || die "must run as root"

# Sets `text` to hundredths of a second as seconds.
seconds() { printf -v text '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

# Tests whether the kernel has the queueing disciplines that its input makes, where nobody sees them.
need_queues() { unshare --net tc -batch - >/dev/null 2>&1 || die "this kernel has not all of: $*"; }

# Begins a play, alone: no up, no down and no other play is at work on the lab. However it ends, the lab is as before.
begin() {
  noted up || die "the lab is not up"
  exec {lock}>>"$CLAIM"
  flock -n "$lock" || die "an up, a down or a play of this lab is at work"
  guard
  printf 'due\thappened\tevent\n'
  set_clock
}

# Waits until a time of the play.
await() {
  while clock && ((now < $1)); do
    seconds "$(($1 - now))"
    sleep "$text" {lock}>&- &
    started=("$!")
    wait "$!"
    started=()
  done
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

# Feeds its input to a tool in a namespace.
within() { nsenter --net="/run/netns/$1" "$2" -batch - || die "in $1: $2 failed"; }

# Notes that something is not as up made it.
alter() { [[ $touched == *" $1 "* ]] || touched+="$1 "; }

# Feeds its input to a tool in a namespace, come what may, where something there is not as up made it.
again() {
  [[ $touched != *" $1 "* ]] || nsenter --net="/run/netns/$2" "$3" -force -batch - 2>/dev/null || true
}

# Ends a play when its last event has happened, or later, as is asked for.
close() { await "$length"; }

# Makes the lab as up made it.
undo() {
  dismiss "${started[@]}"
  say "as up made it"
  restore
}

# === the lab ==================================================================
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool flock util-linux
need_queues tbf netem <<'END'
qdisc replace dev lo root tbf rate 1mbit burst 10kb limit 10kb
qdisc replace dev lo root netem delay 1ms
END

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

begin

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
route replace 10.249.89.74 table 41363 via 10.86.184.182 dev d
route replace 10.52.126.101 table 41363 via 10.86.184.182 dev d
route replace 10.75.138.209 table 41363 via 10.86.184.182 dev d
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
qdisc add dev c root handle 1: netem limit 7 delay 10ms rate 1mbit
END
happened 1500 'shape a:c rate 1mbit delay 10ms'

close
}
