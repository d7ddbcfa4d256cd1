# === what check, bench and play share =========================================
# (Before 4.4, bash takes an empty array for one that is not set.)
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  say "error: this needs bash 4.4 or later, and here it is run by bash $BASH_VERSION"
  exit 2
fi

# Tells some lines. Where nobody reads them any more, the script ends as if by SIGPIPE.
out() {
  printf '%s\n' "$@" 2>/dev/null || {
    [[ -p /dev/stdout || -S /dev/stdout ]] || say "error: what there is to tell cannot be written"
    exit 141
  }
}
