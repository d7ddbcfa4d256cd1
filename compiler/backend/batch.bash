PARTS=$(nproc 2>/dev/null || echo 2)
part=
turn=0

# Sections are done in parts side by side, one for each processor. Whether the next piece is this part's.
mine() { [[ -z $part ]] || ((turn++ % PARTS == part)); }

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() part=
  ((failed == 0)) || exit 1
}

# Feeds its input to a command, in one of the parts, and names the line of a batch that fails.
feed() {
  local text log rows
  mine || return 0
  IFS= read -rd '' text || true
  if log=$("$@" <<<"$text" 2>&1); then
    [[ -z $log ]] || say "$log"
    return
  fi
  mapfile -t rows <<<"$text"
  [[ ! $log =~ -:([0-9]+) ]] || say "failed: $* ${rows[BASH_REMATCH[1] - 1]}"
  die "$log"
}

# Feeds its input to ip(8) or tc(8) as a batch.
batch() { feed "$@" -batch -; }

# Sets the sysctls of its input in each of some namespaces.
configure() {
  local text ns
  IFS= read -rd '' text || true
  for ns; do feed nsenter --net="/run/netns/$ns" sysctl -qp - <<<"$text"; done
}
