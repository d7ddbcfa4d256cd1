# === what the script starts ends with it ======================================
scratch=
# What is to be told at the end, however the script ends.
closing=:
# What only this script has open.
alone=

# Ends all that was started.
stop() {
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  started=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  scratch=$(mktemp -d) || exit 2
  need_room
  exec {alone}</dev/null
}

# Ends the script where that folder has no room for what programs say, which would be lost, or for iperf3's buffers.
need_room() {
  { printf '%1048576s' '' >"$scratch/room" && rm "$scratch/room"; } 2>/dev/null || {
    say "error: there is no room in ${scratch%/*}; TMPDIR may name another folder"
    exit 2
  }
}

# Takes that away.
undo() {
  stop
  rm -rf "$scratch"
  "$closing"
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 {alone}<&- &
  started+=("$!")
}
