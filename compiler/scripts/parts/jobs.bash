# === what the script starts ends with it ======================================
scratch=
# What is to be told at the end, however the script ends.
closing=:
# What only this script has open.
alone=

# Pipes that what was started has open, and what that has started in its turn.
pipes=()

# Ends all that was started.
stop() {
  local fd
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  for fd in "${pipes[@]}"; do while read -ru "$fd"; do :; done; done
  started=() pipes=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  # Its name first: a signal that ends what makes the folder finds it by this name.
  scratch=$(mktemp -du) || exit 2
  mkdir -m 700 "$scratch" || { scratch=; exit 2; }
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
