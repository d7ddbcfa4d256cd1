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
  await_captures
  take_down "${!named[@]}"
  say down
}
