# === what the script starts ends with it ======================================
scratch=
started=()

# Ends all that was started.
stop() {
  ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
  wait || wait || true # the first may tell of a signal that came before
  started=()
}

# Does so whatever ends the script, and makes a folder for what programs say.
prepare() {
  trap 'end "$?"' EXIT
  trap 'end 129' HUP
  trap 'end 130' INT
  trap 'end 143' TERM
  scratch=$(mktemp -d)
}

# Ends the script with a status.
end() {
  trap '' HUP INT TERM
  trap - EXIT
  stop
  rm -rf "$scratch"
  exit "$1"
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 &
  started+=("$!")
}
