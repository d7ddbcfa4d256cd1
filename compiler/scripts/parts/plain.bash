CLAIM=/run/mpc-$LAB
say() { printf '%s: %s\n' "$LAB" "$*" >&2; }

# Takes down what bears this lab's mark: the processes in its namespaces, the namespaces, and the files.
down() {
  local ns at left=0
  trap - ERR EXIT
  for ns in "${NAMESPACES[@]}"; do
    if [[ $(ip -n "$ns" link show dev lo 2>/dev/null) == *"alias mpc:$LAB" ]]; then
      ip netns pids "$ns" | xargs -r kill || true
      for _ in {1..50}; do [[ -n $(ip netns pids "$ns") ]] || break; sleep 0.1; done
      ip netns pids "$ns" | xargs -r kill -KILL || true
      ip netns del "$ns" || left=1
    fi
    ! grep -qsx "# mpc:$LAB" "/etc/netns/$ns/hosts" || rm -f "/etc/netns/$ns/"{hosts,resolv.conf}
    [[ ! -d /etc/netns/$ns ]] || rmdir "/etc/netns/$ns" || left=1
  done
  for at in /etc/netns /run/netns; do
    ! grep -qsx "made $at" "$CLAIM" || { umount -n "$at"; rmdir "$at"; } 2>/dev/null || true
  done
  rm -rf "$CLAIM" "$CLAIM.d"
  say down
  return "$left"
}

case ${1-} in
  '') [[ ! -s $CLAIM ]] || { say "error: the lab is up, or was not taken down"; exit 1; } ;;
  down) down; exit ;;
  *) echo "usage: up.sh [down]" >&2; exit 2 ;;
esac
trap 'say "failed: $BASH_COMMAND"' ERR
trap down EXIT
