# === processes that run in the lab ============================================
FILES=$(ulimit -Sn)

# Notes what has the name of the folder of their logs already.
need_runs() { [[ ! -e $RUNS ]] || missing+=("the name $RUNS: something has it"); }

# Starts a command line in a namespace: NAMESPACE NAME.
start() { launch "$@" ip netns exec "$1"; }

# Starts one that has the container of a namespace run a command. (An engine needs the mounts of this machine.)
start_inside() { launch "$@" nsenter --net="/run/netns/$1"; }

# Starts the command line that is the first line of its input, with the KEY=VALUE of the others, by what enters its
# namespace: NAMESPACE NAME COMMAND... It gets back what up has changed for itself, is told which node it runs on, keeps the claim locked until it is in its
# namespace, and has a session, a log and a file with its PID of its own.
launch() {
  local lines
  mapfile -t lines
  (
    trap - PIPE INT QUIT
    ulimit -Sn "$FILES"
    export MPC_LAB=$LAB MPC_NODE=${2%.*} MPC_NETNS=$1
    exec setsid "${@:3}" bash -c "$(declare -f become attend)"$'\nattend "$@"' bash "$RUNS/$2" "${lines[@]}"
  ) </dev/null >>"$RUNS/$2.log" 2>&1 &
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

# Waits until what was started listens at a port of its namespace: NAME NAMESPACE PORT.
await_run_port() { await_ready see_over "$1" listens "$2" "$3" || unready "$1" "does not listen at port $3"; }

# Waits until a command succeeds, which tells that what was started is ready: NAME COMMAND...
await_run() { await_ready see_over "$1" timeout -k 5 5 "${@:2}" || unready "$1" "is not ready: $(quoted "${@:2}") does not succeed"; }

# Fails where what was started has ended with an error.
see_over() {
  local status=0
  [[ ! -s $RUNS/$1.end ]] || read -r status <"$RUNS/$1.end"
  ((status == 0)) || unready "$1" "ended with $status"
}

# Fails, with the last lines of what was started: NAME WHAT.
unready() {
  say "the last lines of $1:"$'\n'"$(tail -n 5 "$RUNS/$1.log")"
  die "what runs as $1 $2"
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
