# === however the script ends ==================================================
started=()

# Has `undo` called however the script ends. (Where a signal comes while bash 5.2 expands a command substitution, it
# reads the trap as if that were in one, up to a `)`. Otherwise the first line is done before the second is read.)
guard() {
  local signal
  trap 'end "$?"' EXIT
  for signal in 1 2 15; do trap -- "end $((128 + signal))"$'\n)' "$signal"; done # HUP INT TERM
}

# Undoes what there is to undo, and ends the script with a status, whatever signals follow the one that asks for it. (A
# child that is asked to end before it has become another program has these traps still, and nothing to undo.)
end() {
  trap '' HUP INT TERM
  trap - EXIT ERR
  [[ $BASHPID != "$$" ]] || undo
  exit "$1"
}

# Asks processes to end: PID...
dismiss() { (($# == 0)) || kill "$@" 2>/dev/null || true; }
