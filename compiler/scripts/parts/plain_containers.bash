# Takes away the containers that have the lab's label, with the volumes that came with them; anchors (NAME.net) last.
remove_containers() {
  local engine names left=0
  for engine in podman docker; do
    [[ " ${CONTAINERS[*]}" == *" $engine:"* ]] || continue
    names=$(list_containers "$engine") || { left=1; continue; }
    { grep -v '\.net$' || true; } <<<"$names" | xargs -r "$engine" stop -t 5 >/dev/null || left=1
    { grep -v '\.net$' || true; } <<<"$names" | xargs -r "$engine" rm --force --volumes >/dev/null || left=1
    names=$(list_containers "$engine") || { left=1; continue; }
    xargs -r "$engine" rm --force --volumes <<<"$names" >/dev/null || left=1
  done
  return "$left"
}
list_containers() { "$1" ps --all --filter "label=mpc.lab=$LAB" --format '{{.Names}}'; }
engine_of() { [[ " ${CONTAINERS[*]} " != *" docker:$1 "* ]] || { echo docker; return; }; echo podman; }
# Waits until the process of an anchor has entered its namespace.
await_anchor() { await say_last "$1.net" entered "$1"; }
entered() {
  local pid
  pid=$(docker container inspect --format '{{.State.Pid}}' "$1.net")
  ip netns identify "$pid" | grep -qx "$1"
}
# Waits until a container listens at a port, or until a command in it succeeds.
await_port() { await say_last "$1" listens "$1" "$2"; }
await_command() { await say_last "$1" timeout -k 5 5 "$(engine_of "$1")" exec "$@"; }
say_last() { "$(engine_of "${1%.net}")" logs --tail 5 "$1"; }
