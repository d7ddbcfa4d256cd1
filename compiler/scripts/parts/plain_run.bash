# Starts a command line, or what has a container run a command: NAMESPACE NAME COMMAND KEY=VALUE... What it says goes to NAME.log, its PID to NAME.pid, and at
# its end its status to NAME.end.
start() { launch "ip netns exec $1" "$@"; }
start_inside() { launch "nsenter --net=/run/netns/$1" "$@"; }
launch() {
  local file=$CLAIM.d/$3 enter
  read -ra enter <<<"$1"
  MPC_LAB=$LAB MPC_NODE=${3%.*} MPC_NETNS=$2 setsid "${enter[@]}" \
    bash -c "$(declare -f attend)"$'\nattend "$@"' bash "$file" "${@:4}" </dev/null >>"$file.log" 2>&1 &
  for _ in {1..200}; do [[ ! -s $file.pid ]] || return 0; sleep 0.05; done
  say "cannot start what runs as $3: $(<"$file.log")"
  exit 1
}
attend() { (echo "$BASHPID" >"$1.pid"; exec env "${@:3}" bash -c -- "$2"); echo "$?" >"$1.end"; }
# Waits until what was started listens at a port, or until a command succeeds.
await_run_port() { await say_log "$1" listens "$2" "$3"; }
await_run() { await say_log "$1" timeout -k 5 5 "${@:2}"; }
say_log() { tail -n 5 "$CLAIM.d/$1.log"; }
