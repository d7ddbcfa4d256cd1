# === plays of several machines begin together =================================
# With `--at`, a play begins at a time that all machines are told, by their own clocks.
epoch=

if [[ ${1:-} == --at ]]; then
  [[ ${2:-} =~ ^([0-9]{1,11})(\.([0-9]{1,3}))?$ ]] || misuse "--at takes seconds since 1970, as date +%s prints them"
  epoch=${BASH_REMATCH[3]}000
  epoch=$((10#${BASH_REMATCH[1]} * 1000 + 10#${epoch:0:3}))
  shift 2
fi

# Waits for that time; where it is past, or more than a minute ahead, a clock is wrong.
meet() {
  local left seconds
  [[ -n $epoch ]] || return 0
  left=$((epoch - $(date +%s%3N)))
  ((left > 0)) || die "the time to begin is past by $((-left)) ms: is this machine's clock right?"
  ((left <= 60000)) || die "the time to begin is $((left / 1000)) s ahead, and 60 at most: is this machine's clock right?"
  printf -v seconds '%d.%03d' $((left / 1000)) $((left % 1000))
  sleep "$seconds" {lock}>&- &
  started=("$!")
  wait "$!"
  started=()
  set_clock
}
