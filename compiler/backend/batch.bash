# Feeds its input to a tool as a batch, and names the line that fails.
batch() {
  local text log rows
  IFS= read -rd '' text || true
  if log=$("$@" -batch - <<<"$text" 2>&1); then
    [[ -z $log ]] || say "$log"
    return
  fi
  mapfile -t rows <<<"$text"
  [[ ! $log =~ -:([0-9]+) ]] || say "failed: $* ${rows[BASH_REMATCH[1] - 1]}"
  die "$log"
}
