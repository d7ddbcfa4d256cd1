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
