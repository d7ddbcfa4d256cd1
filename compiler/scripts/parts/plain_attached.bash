RUNS=/run/mpc-$LAB.d
# Attaches a container: NAMESPACE ENGINE NAME, and the rows that undo what is added are the input.
attach() { adopt "$1" "$("$2" container inspect --format '{{.State.Pid}}' "$3")"; }
# Prints the processes in a namespace; of one that is that of a container, those of the lab.
residents() {
  local pid
  for pid in $(ip netns pids "$1"); do
    [[ " ${ATTACHED[*]} " != *" $1 "* ]] || is_started "$1" "$pid" || continue
    echo "$pid"
  done
}
