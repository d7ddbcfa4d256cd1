# === containers, by podman and docker =========================================
# Each is called like its namespace, and has the lab as its label: by that it is known as this lab's. Where docker runs
# it, it is beside another, NAME.net: its anchor, whose process has entered the namespace. CONTAINERS are ENGINE:NAME, and
# the claim has `container ENGINE:NAME` for each that up makes.
CONTAINERS+=()

# Takes away the lab's containers, with the volumes that came with them.
remove_containers() {
  local engine left=0
  for engine in podman docker; do
    remove_those_of "$engine" || {
      say "containers of $engine may be left: run the down script when it works again"
      left=1
    }
  done
  return "$left"
}

# Takes away those of an engine, anchors last. What is left is what the engine lists, not what it says of a call, as that
# may fail over what a killed one has begun. One that does not answer may have containers still.
remove_those_of() {
  local _ ids anchors engine=$1 is_noted=0
  ! has_noted "$engine" || is_noted=1
  ((is_noted)) || [[ " ${CONTAINERS[*]}" == *" $engine:"* ]] || return 0
  type -P "$engine" >/dev/null || {
    ((is_noted)) || return 0
    say "this lab has containers, and the command $engine is missing"
    return 1
  }
  ! unfinished || "end_begun_$engine" || return
  for _ in 1 2 3; do
    list_containers "$engine" || return
    ((${#ids[@]} + ${#anchors[@]})) || return 0
    ((${#ids[@]} == 0)) || {
      try_engine "$engine" stop -t 5 "${ids[@]}" && try_engine "$engine" rm --force --volumes "${ids[@]}"
    } || return
    ((${#anchors[@]} == 0)) || try_engine "$engine" rm --force --volumes "${anchors[@]}" || return
  done
  list_containers "$engine" || return
  ((${#ids[@]} + ${#anchors[@]} == 0)) || say "these containers do not go: ${ids[*]} ${anchors[*]}"
  ((${#ids[@]} + ${#anchors[@]} == 0))
}

# Whether up has noted a container of an engine.
has_noted() {
  local line
  for line in "${!notes[@]}"; do [[ $line != "container $1:"* ]] || return 0; done
  return 1
}

# Asks an engine: ENGINE ARGUMENT... Its answer is then in `answer`.
answer=
ask_engine() { answer=$(bounded "$PATIENCE" "$@") || { say "$1 does not answer: $answer"; return 1; }; }

# Has an engine do something, and fails only where that does not end: ENGINE ARGUMENT... (Its lists tell what was done.)
try_engine() {
  local log status=0
  log=$(bounded "$((PATIENCE + 5 * $#))" "$@") || status=$?
  ((status != 124)) || { say "$1 does not answer: $log"; return 1; }
}

# Sets `ids` to an engine's containers of the lab, and `anchors` to those that are anchors.
list_containers() {
  local id name
  ask_engine "$1" ps --all --no-trunc --filter "label=mpc.lab=$LAB" --format '{{.ID}} {{.Names}}' || return
  ids=() anchors=()
  while read -r id name; do
    if [[ $name == *.net ]]; then anchors+=("$id"); elif [[ $id ]]; then ids+=("$id"); fi
  done <<<"$answer"
}

# Takes away what podman had begun to make when up was cut short: such a container has its name, and no label yet.
end_begun_podman() {
  local name state
  ask_engine podman ps --all --external --format '{{.Names}} {{.Status}}' || return
  while read -r name state; do
    [[ $state != Storage* ]] || ! noted "container podman:$name" || try_engine podman rm --force "$name" || return
  done <<<"$answer"
}

# Lets docker end what it had begun when up was cut short: the daemon goes on without the client that has asked.
end_begun_docker() { sleep 1; }
