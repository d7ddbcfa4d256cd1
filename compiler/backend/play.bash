# === play =====================================================================
# Events are told on standard output, a line each: when it was due, when it had happened, and what it was.
CLAIM=/run/mpc-$LAB
touched=" "
started=()
began=0

length=0

usage() { say "usage: play.sh [--for SECONDS]"; exit 2; }

if (($#)); then
  [[ $# == 2 && $1 == --for && $2 =~ ^[0-9]{1,6}$ ]] || usage
  length=$((10#$2 * 100))
fi
((EUID == 0)) || die "must run as root"

need_tool() { type -P "$1" >/dev/null || die "the command $1 (package $2) is missing"; }

# The time since the play began, or since the machine was started, in hundredths of a second.
now() {
  local time
  read -r time _ </proc/uptime
  echo "$((10#${time/./} - began))"
}

seconds() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

# Tests whether the kernel has the queueing disciplines that its input makes, where nobody sees them.
need_queues() { unshare --net tc -batch - >/dev/null 2>&1 || die "this kernel has not all of: $*"; }

# Begins a play, alone: no up, no down and no other play is at work on the lab. However it ends, the lab is as before.
begin() {
  [[ -e $CLAIM && $'\n'$(<"$CLAIM")$'\n' == *$'\nup\n'* ]] || die "the lab is not up"
  exec {lock}>>"$CLAIM"
  flock -n "$lock" || die "an up, a down or a play of this lab is at work"
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf 'due\thappened\tevent\n'
  began=$(now)
}

# Waits until a time of the play.
await() {
  local left
  while left=$(($1 - $(now))) && ((left > 0)); do
    sleep "$(seconds "$left")" {lock}>&- &
    started=("$!")
    wait "$!"
    started=()
  done
}

# Tells of an event that was due at a time: TIME WHAT.
happened() { printf '%s\t%s\t%s\n' "$(seconds "$1")" "$(seconds "$(now)")" "$2"; }

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
finish() {
  local status=$?
  trap '' HUP INT TERM
  ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
  say "as up made it"
  restore
  exit "$status"
}
