CLAIM=/run/mpc-$LAB
say() { printf '%s: %s\n' "$LAB" "$*" >&2; }
residents() { ip netns pids "$1"; }

# Takes down the namespaces that are marked as this lab's, or `all`: what runs in them, themselves, and their files.
down() {
  local ns at left=0 stays=
  trap - ERR EXIT HUP INT TERM
  end_captures
  remove_containers || left=1
  leave_uplink || left=1
  for ns in "${NAMESPACES[@]}"; do
    if [[ $(ip -n "$ns" link show dev lo 2>/dev/null) == *"alias mpc:$LAB" ||
      -e /run/netns/$ns && ($1 == all || -e $CLAIM.d/$ns.undo) ]]; then
      residents "$ns" | xargs -r kill || true
      for _ in {1..50}; do [[ -n $(residents "$ns") ]] || break; sleep 0.1; done
      for _ in {1..50}; do [[ -n $(residents "$ns") ]] || break; residents "$ns" | xargs -r kill -KILL || true; sleep 0.1; done
      give_back "$ns" || left=1
      release "$ns" || { left=1 stays=1; continue; }
      ip netns del "$ns" || left=1
    elif ! grep -qsx "# mpc:$LAB" "/etc/netns/$ns/hosts"; then
      continue
    fi
    rm -f "/etc/netns/$ns/"{hosts,resolv.conf}
    [[ ! -d /etc/netns/$ns ]] || rmdir "/etc/netns/$ns" || left=1
  done
  for at in /etc/netns /run/netns; do
    ! grep -qsx "made $at" "$CLAIM" || { umount -n "$at"; rmdir "$at"; } 2>/dev/null || true
  done
  unload_teql
  [[ $stays ]] || rm -rf "$CLAIM" "$CLAIM.d"
  say down
  return "$left"
}

[[ ${1-down} == down ]] || { echo "usage: up.sh [down]" >&2; exit 2; }
if (($#)); then down marked; exit; fi
for at in "$CLAIM" "${NAMESPACES[@]/#//run/netns/}" "${NAMESPACES[@]/#//etc/netns/}"; do
  [[ ! -e $at ]] || { say "error: there is $at already: if this lab has made it, take that down"; exit 1; }
done
trap 'say "failed: $BASH_COMMAND"' ERR
trap 'exit 1' HUP INT TERM
trap 'down all' EXIT
