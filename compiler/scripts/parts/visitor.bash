# === the visitor ==============================================================
# A small shell that enters namespaces for a part of a script. It starts programs in half the time that this shell takes,
# which has all of the lab in its memory.
visitor=
from=
to=

# (Where a script has no streams, bash would take their numbers for the visitor's pipes.)
[[ -e /proc/self/fd/0 ]] || exec </dev/null
[[ -e /proc/self/fd/1 ]] || exec >/dev/null
[[ -e /proc/self/fd/2 ]] || exec 2>/dev/null

# Starts it, where it does not run yet.
start_visitor() {
  [[ -z $visitor ]] || return 0
  coproc VISITOR { exec sh 2>&1; }
  visitor=$VISITOR_PID
  # (Bash closes its own when that ends, and what it said last is lost.)
  # shellcheck disable=SC1083 # These braces name what is closed.
  exec {from}<&"${VISITOR[0]}" {to}>&"${VISITOR[1]}" {VISITOR[0]}<&- {VISITOR[1]}>&-
}

# Has it run a shell in a namespace: NAMESPACE SCRIPT ARGUMENT... The arguments are words that no shell expands.
send() { printf '%s\n' "nsenter --net='/run/netns/$1' sh -s - ${*:3} <<\"VISIT\"" "$2" VISIT 'printf "\000$?\n"' >&"$to" || true; }

# Waits for the end of that: what was said is then in `said`, and in `status` the exit status, if it came to one.
said=
status=
hear() { said='' status='' && IFS= read -rd '' -u "$from" said && read -ru "$from" status || true; }

# Ends it.
end_visitor() {
  exec {to}>&-
  IFS= read -rd '' -u "$from" said || true
  wait "$visitor"
}
