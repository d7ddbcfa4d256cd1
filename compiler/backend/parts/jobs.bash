# === what the script starts ends with it ======================================
scratch=

# Ends all that was started.
stop() {
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  started=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  scratch=$(mktemp -d)
}

# Takes that away.
undo() {
  stop
  rm -rf "$scratch"
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 &
  started+=("$!")
}
