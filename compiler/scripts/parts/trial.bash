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
