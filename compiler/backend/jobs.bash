# === what the script starts ends with it ======================================
scratch=
started=()

# Ends all that was started.
stop() {
  ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
  wait
  started=()
}

# Does so whatever ends the script, and makes a folder for what programs say.
prepare() {
  trap 'trap "" HUP INT TERM; stop; rm -rf "$scratch"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  scratch=$(mktemp -d)
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 &
  started+=("$!")
}
