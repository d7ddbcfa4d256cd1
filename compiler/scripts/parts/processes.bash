# === processes that run in the lab ============================================
FILES=$(ulimit -Sn)

# Notes what has the name of the folder of their logs already.
need_runs() { [[ ! -e $RUNS ]] || missing+=("the name $RUNS: something has it"); }

# Starts the command line that is the first line of its input, with the KEY=VALUE of the others: NAMESPACE NAME. It
# gets back what up has changed for itself, is told which node it runs on, keeps the claim locked until it is in its
# namespace, and has a session, a log and a file with its PID of its own.
start() {
  local lines
  mapfile -t lines
  (
    trap - PIPE INT QUIT
    ulimit -Sn "$FILES"
    export MPC_LAB=$LAB MPC_NODE=${2%.*} MPC_NETNS=$1
    exec setsid ip netns exec "$1" bash -c "$(declare -f become attend)"$'\nattend "$@"' bash "$RUNS/$2" "${lines[@]}"
  ) </dev/null >"$RUNS/$2.log" 2>&1 &
  started+=("$!") names+=("$2")
}

# Has a child become a command line, and notes how it ends. (What asks all of a namespace to end is to end that first.)
attend() {
  local fd status=0
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd < 3)) || exec {fd}>&-
  done
  exec {fd}>&2 2>/dev/null
  trap : HUP INT QUIT TERM USR1 USR2
  (become "$@" 2>&"$fd" {fd}>&-) || status=$?
  echo "$status" >"$1.end"
  exit "$status"
}

# Becomes a command line, with no other open file than the three of all programs.
become() {
  echo "$BASHPID" >"$1.pid"
  exec env "${@:3}" bash -c -- "$2"
}

# Waits until what was started is in its namespace, or has ended, for 10 seconds at most.
await() {
  local _
  for _ in {1..200}; do
    [[ ! -s $RUNS/$1.pid ]] || return 0
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  [[ -s $RUNS/$1.pid ]] || die "cannot start what runs as $1: $(<"$RUNS/$1.log")"
}

# Says which processes have ended with an error already.
watch() {
  local i status
  for i in "${!started[@]}"; do await "${names[i]}" "${started[i]}"; done
  sleep 0.2
  for i in "${!started[@]}"; do
    if ! kill -0 "${started[i]}" 2>/dev/null; then
      status=0
      wait "${started[i]}" || status=$?
      ((status == 0)) || say "warning: what runs as ${names[i]} ended with $status; see $RUNS/${names[i]}.log"
    fi
  done
}
