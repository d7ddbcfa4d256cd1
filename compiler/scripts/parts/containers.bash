# === containers are started ===================================================
AT_ONCE=8
started_containers=0
declare -A engine_of=()
for name in "${CONTAINERS[@]}"; do engine_of[${name#*:}]=${name%%:*}; done
# This machine's programs and their libraries, for the anchors of docker, whose images may have none.
BASE=()
for folder in /lib /lib64 /usr; do
  [[ ! -e $folder ]] || BASE+=(--mount "type=bind,src=$folder,dst=$folder,readonly")
done

# Has a test done beside those that follow: COMMAND...
tests=()
meanwhile() {
  local from
  exec {from}< <(missing=() && "$@" && printf '%s\n' "${missing[@]}" tested)
  tests+=("$from")
}

# Notes what such tests have found.
hear_tests() {
  local from found
  for from in "${tests[@]}"; do
    mapfile -t found <&"$from"
    exec {from}<&-
    [[ ${found[-1]:-} == tested ]] || die "a test of this machine has ended early"
    missing+=("${found[@]:0:${#found[@]} - 1}")
  done
}

# Notes an engine that does not answer or is that of another machine, names that it has given away, and images that it
# does not have: ENGINE IMAGE...
need_containers() {
  local engine=$1 name whose image told status
  type -P "$engine" >/dev/null && ((EUID == 0)) || return 0
  "is_here_$engine" || {
    missing+=("$engine on this machine: the environment names another")
    return 0
  }
  "list_names_$engine" || {
    missing+=("$engine that answers")
    return 0
  }
  while read -r name whose; do
    [[ " ${CONTAINERS[*]} " != *" $engine:$name "* ]] ||
      missing+=("the name $name: a container has it$(lab_of "${whose:+mpc:$whose}")")
  done <<<"$answer"
  (($# == 1)) || has_images "$@" || for image in "${@:2}"; do
    status=0
    has_images "$engine" "$image" || status=$?
    ((status != 124)) || { missing+=("$engine that answers") && return; }
    ((status == 0)) || missing+=("the image $image ($engine pull $image)")
  done
}

# Whether an engine has images: ENGINE IMAGE...
has_images() { told=$(bounded "$PATIENCE" "$1" image inspect --format '{{.Id}}' "${@:2}"); }

# Notes a container that is not to be attached: which does not run, has the network of this machine, is in a lab, or has
# interfaces that are called like those of the node: ENGINE NAME INTERFACE...
declare -A attached_by=()
need_attached() {
  local running pid lab told inode link
  type -P "$1" >/dev/null && ((EUID == 0)) && "is_here_$1" || return 0
  local asked='{{.State.Running}} {{.State.Pid}} {{index .Config.Labels "mpc.lab"}}'
  told=$(bounded "$PATIENCE" "$1" container inspect --format "$asked" "$2") || {
    if (($? == 124)); then missing+=("$1 that answers"); else missing+=("a container $2 of $1"); fi
    return 0
  }
  read -r running pid lab <<<"$told"
  [[ -n $lab ]] || lab=$(lab_with "$pid")
  inode=$(stat -Lc %i "/proc/$pid/ns/net" 2>/dev/null) || inode=$2
  if [[ $running != true ]]; then
    missing+=("a container $2 that runs: it does not")
  elif [[ /proc/$pid/ns/net -ef /proc/self/ns/net ]]; then
    missing+=("a network of its own for the container $2: it has that of this machine")
  elif [[ -n $lab ]]; then
    missing+=("a container $2 that is in no lab: it is in the lab $lab")
  elif [[ -n ${attached_by[$inode]:-} ]]; then
    missing+=("a network of its own for the container $2: it has that of ${attached_by[$inode]}")
  else
    attached_by[$inode]=$2
    told=$(nsenter --net="/proc/$pid/ns/net" ip -o link show 2>/dev/null) || true
    for link in "${@:3}"; do
      [[ ! $told =~ :\ "$link"[@:] ]] || missing+=("the interface name $link in the container $2: it has one")
    done
  fi
}

# Prints the lab that has the namespace of a process: PID.
lab_with() {
  local claim what ns _
  for claim in /run/mpc-*; do
    [[ -f $claim ]] || continue
    while read -r what ns _; do
      [[ $what != namespace || ! /run/netns/$ns -ef /proc/$1/ns/net ]] || { echo "${claim#/run/mpc-}" && return; }
    done <"$claim"
  done
}

# Attaches a container: NAMESPACE ENGINE NAME, and the rows that undo what is added are the input.
attach() {
  [[ ! -e /run/netns/$1 ]] || { spare "$1" && die "there is a namespace $1 already"; }
  ask_engine "$2" container inspect --format '{{.State.Pid}}' "$3" || exit 1
  ((answer)) || die "the container $3 does not run"
  adopt "$1" "$answer" || die "cannot attach the container $3"
}

# Whether the engine that the environment names is one of this machine.
is_here_podman() { [[ -z ${CONTAINER_HOST:-}${CONTAINER_CONNECTION:-} ]]; }
is_here_docker() {
  local at
  at=$(bounded "$PATIENCE" docker context inspect --format '{{.Endpoints.docker.Host}}') || return 0
  [[ $at == unix:* ]]
}

# Has an engine list all its containers, with the labs that have made them.
list_names_podman() { ask_engine podman ps --all --external --format '{{.Names}} {{index .Labels "mpc.lab"}}'; }
list_names_docker() { ask_engine docker ps --all --format '{{.Names}} {{.Label "mpc.lab"}}'; }

# Writes the resolv.conf of containers, which names no server, so that unknown names fail at once.
no_server() { printf '# %s\n%s\n' "$MARK" "$1" >"$RUNS/resolv.conf"; }

# Starts a container by a command, where that is this part's.
contain() { ((started_containers++ % AT_ONCE != part)) || call_engine "$@"; }

# Finds the library by which mptcpize(8) has programs open MPTCP connections where they ask for TCP.
WRAPPER=()
need_wrapper() {
  local line library=
  while IFS= read -r line; do
    [[ $line != LD_PRELOAD=* ]] || library=${line#*=}
  done < <(mptcpize run env 2>/dev/null)
  WRAPPER=(--volume "$library:/libmptcpwrap.so:ro" --env LD_PRELOAD=/libmptcpwrap.so)
  [[ -f $library ]] || missing+=("the library libmptcpwrap, which \`mptcpize run\` preloads")
}

# The same as contain, with that library: ENGINE run OPTION...
wrap() { ((started_containers++ % AT_ONCE != part)) || call_engine "${@:1:2}" "${WRAPPER[@]}" "${@:3}"; }

# Says which containers have a first program without that library: NAME... It is static; one for musl does not start.
see_wrapped() {
  local name _
  for name; do
    ask_engine "${engine_of[$name]}" container inspect --format '{{.State.Pid}}' "$name" || exit 1
    ((answer)) || continue
    for _ in 1 2 3 4 5; do
      ! grep -qs libmptcpwrap "/proc/$answer/maps" || continue 2
      sleep 0.1
    done
    say "warning: the first program of $name is static, so that mptcpize cannot give it MPTCP"
  done
}

# Starts the anchor of the container that is next, and waits until it has entered the namespace: NAMESPACE docker run
# OPTION...
hold() {
  ((started_containers % AT_ONCE == part)) || return 0
  call_engine "${@:2:2}" "${BASE[@]}" "${@:4}"
  await_anchor "$1"
}

# Calls an engine, which is to do what it is told.
call_engine() {
  local log
  log=$(bounded "$PATIENCE" "$@") || {
    say "failed: $*"
    die "$log"
  }
}

# Waits until an anchor has entered its namespace, for 30 seconds at most: NAMESPACE.
await_anchor() {
  local pid end=$((SECONDS + 30))
  while ((SECONDS < end)); do
    ask_engine docker container inspect --format '{{.State.Pid}}' "$1.net" || exit 1
    pid=$answer
    ((pid)) || break
    [[ $'\n'$(ip netns identify "$pid")$'\n' != *$'\n'"$1"$'\n'* ]] || return 0
    sleep 0.05
  done
  say_last "$1.net"
  die "the container $1.net does not enter the namespace $1"
}

# Waits until a container listens at a port: NAME PORT.
await_port() {
  await_ready see_ended "$1" listens "$1" "$2" || {
    say_last "$1"
    die "the container $1 does not listen at port $2"
  }
}

# Waits until a command in a container succeeds: NAME COMMAND...
await_command() {
  await_ready see_ended "$1" timeout -k 5 5 "${engine_of[$1]}" exec "$@" || {
    say_last "$1"
    die "the container $1 is not ready: $(quoted "${@:2}") does not succeed"
  }
}

# Says the last lines of a container.
say_last() { say "the last lines of $1:"$'\n'"$(bounded "$PATIENCE" "${engine_of[${1%.net}]}" logs --tail 5 "$1")"; }

# Fails where a container has ended with an error: of these names, or of all.
see_ended() {
  local engine name own
  (($#)) || set -- "${CONTAINERS[@]#*:}"
  for engine in podman docker; do
    own=()
    for name; do [[ ${engine_of[$name]} != "$engine" ]] || own+=("$name"); done
    ((${#own[@]} == 0)) || see_ended_of "$engine" "${own[@]}"
  done
}

# The same of an engine: ENGINE NAME...
see_ended_of() {
  local name pid status
  ask_engine "$1" container inspect --format '{{.Name}} {{.State.Pid}} {{.State.ExitCode}}' "${@:2}" || exit 1
  while read -r name pid status; do
    name=${name#/}
    ((pid)) || {
      say_last "$name"
      ((status == 0)) || die "the container $name has ended with $status"
      say "warning: the container $name has ended with 0"
    }
  done <<<"$answer"
}
