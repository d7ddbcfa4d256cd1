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
