# Starts a command line: NAMESPACE NAME COMMAND KEY=VALUE... What it says goes to NAME.log, its PID to NAME.pid, and at
# its end its status to NAME.end.
start() {
  local file=$CLAIM.d/$2
  MPC_LAB=$LAB MPC_NODE=${2%.*} MPC_NETNS=$1 setsid ip netns exec "$1" \
    bash -c "$(declare -f attend)"$'\nattend "$@"' bash "$file" "${@:3}" </dev/null >"$file.log" 2>&1 &
  for _ in {1..200}; do [[ ! -s $file.pid ]] || return 0; sleep 0.05; done
  say "cannot start what runs as $2: $(<"$file.log")"
  exit 1
}
attend() { (echo "$BASHPID" >"$1.pid"; exec env "${@:3}" bash -c -- "$2"); echo "$?" >"$1.end"; }
