# === what transfers tell ======================================================
# Tries whether enough is received, three times at most, as a busy machine takes from a rate and never adds to it:
# WHAT LEAST SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL.
throughput() {
  local try most=0
  [[ -e /run/netns/$3 && ($4 == - || -e /run/netns/$4) ]] || { tell 0 "$1" "the lab is not up"; return 0; }
  for try in 1 2 3; do
    transfer "${@:3}" -t 5 -O 2
    stop
    ((received <= most)) || most=$received
    ((most * 1000 < $2)) || break
  done
  tell "$((most * 1000 >= $2))" "$1" "$(mbit "$most") Mbit/s at the best of $try${said:+, and then: $said}"
}
