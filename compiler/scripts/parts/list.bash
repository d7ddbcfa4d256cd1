# Prints a line for each lab of this machine: its name, how it is, since when, from which file, and how many namespaces it
# has. (A claim is locked while an up, a down or a play is at work; one without its last line is of an up that was cut short.)
for claim in /run/mpc-*; do
  [[ -f $claim && -s $claim ]] || continue
  state='cut short' since=unknown source=unknown count=0
  while IFS= read -r line; do
    case $line in
      up) state=up ;;
      since\ *) since=${line#since } ;;
      source\ *) source=${line#source } ;;
      namespace\ *) count=$((count + 1)) ;;
    esac
  done <"$claim"
  ! { exec {lock}<"$claim"; } 2>/dev/null || flock -sn "$lock" || state='at work'
  { exec {lock}<&-; } 2>/dev/null || true
  printf '%s\t%s\t%s\t%s\t%s\n' "${claim#/run/mpc-}" "$state" "$since" "$count" "$source"
done
