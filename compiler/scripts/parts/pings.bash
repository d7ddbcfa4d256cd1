# === what pings tell ==========================================================
# Pings go side by side, some at a time, and what they tell is judged in the order in which it was asked.
AT_ONCE=50
asked=()
claims=()
answers=()

# Asks for an address: SOURCE TARGET WHAT CLAIM LEAST MOST ADDRESS...; the source and the target are namespaces. An
# address is asked from another where it is FROM,ADDRESS.
ask() {
  local address fd fds='' from pings=(-c 3 -w 3)
  [[ $4 != unreachable ]] || pings=(-c 3 -W 1)
  [[ $4 != rtt ]] || pings=(-c 10 -w 10)
  for address in "${@:7}"; do
    from=()
    [[ $address != *,* ]] || from=(-I "${address%,*}") address=${address#*,}
    exec {fd}< <(exec nsenter --net="/run/netns/$1" ping -nq -i 0.2 "${from[@]}" "${pings[@]}" "$address" 2>&1)
    started+=("$!")
    fds+=" $fd $address"
  done
  asked+=("$3") claims+=("$4 $5 $6 $1 $2") answers+=("$fds")
  ((${#asked[@]} < AT_ONCE)) || judge
}

# Judges all that was asked.
judge() {
  local i claim least most source target
  for i in "${!asked[@]}"; do
    read -r claim least most source target <<<"${claims[i]}"
    if [[ -e /run/netns/$source && -e /run/netns/$target ]]; then
      judge_one "${asked[i]}" "$claim" "$least" "$most" "${answers[i]}"
    else
      tell 0 "${asked[i]}" "the lab is not up"
    fi
  done
  asked=() claims=() answers=()
  stop
}

# Judges the answers of all addresses of one claim: WHAT CLAIM LEAST MOST "FD ADDRESS ...".
judge_one() {
  local text address fd holds=1 told=() rest=$5 time
  while read -r fd address rest <<<"$rest" && [[ -n $fd ]]; do
    IFS= read -rd '' -u "$fd" text || true
    exec {fd}<&-
    time=$(fastest "$text")
    case $2-$time in
      reachable- | rtt-) holds=0 && told+=("$address does not answer") ;;
      unreachable-?*) holds=0 && told+=("$address answers") ;;
      rtt-*)
        ((time >= $3 && time <= $4)) || holds=0
        told+=("$address: $((time / 1000)).$(printf %03d $((time % 1000))) ms at the fastest") ;;
    esac
  done
  tell "$holds" "$1" "${told[@]}"
}

# The time of the fastest round trip of a ping, in microseconds; nothing where no answer came.
fastest() {
  if [[ $1 =~ =\ ([0-9]+)\.([0-9]{3})/ ]]; then
    echo $((10#${BASH_REMATCH[1]} * 1000 + 10#${BASH_REMATCH[2]}))
  fi
}
