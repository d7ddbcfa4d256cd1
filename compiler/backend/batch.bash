# === batches, side by side ====================================================
# Sections are done in parts side by side, one for each processor: `part` is this one, `turn` counts.
CPUS=$(nproc 2>/dev/null || echo 2)
part=
turn=0

# Whether the next piece of work is this part's.
mine() { [[ -z $part ]] || ((turn++ % CPUS == part)); }

# Feeds its input to a command, and names the line that the command objects to. (`exec` saves a process.)
feed() {
  local text log rows row=''
  mine || return 0
  IFS= read -rd '' text || true
  if log=$(exec "$@" <<<"$text" 2>&1); then
    [[ -z $log ]] || say "$log"
    return
  fi
  mapfile -t rows <<<"$text"
  [[ ! $log =~ (-|stdin):([0-9]+) ]] || row=${rows[BASH_REMATCH[2] - 1]:-}
  [[ $row != "netns add "* || $log != *"File exists"* ]] || spare "${row##* }"
  say "failed: $*${row:+ $row}"
  die "$log"
}

# Feeds its input to a command in a namespace. (`ip -n` would copy all the mounts of the host each time.)
within() { feed nsenter --net="/run/netns/$1" "${@:2}"; }

# Sets the sysctls of its input in each of some namespaces.
configure() {
  local text ns
  IFS= read -rd '' text || true
  for ns; do within "$ns" sysctl -qp - <<<"$text"; done
}

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() part=
  ((failed == 0)) || exit 1
}
