#!/usr/bin/env bash
# Measures transfers from a to b in labs, some side by side: accuracy.sh FOLDER ROUNDS AT-ONCE LAB...
#
# FOLDER/LAB holds the scripts of a lab, how many seconds a transfer takes, its transfers (name, protocol, and the address
# that it is opened from, or `-`), and the addresses to ping from; reports of iperf3 and ping are left there.
# The congestion control is CUBIC, whatever the machine's is.
set -euo pipefail
folder=$1 rounds=$2 at_once=$3
shift 3

within() { timeout $((seconds + 20)) ip netns exec "$@"; }

measure() {
  local lab=$1 round source server name protocol wrap options
  own=$folder/$lab
  seconds=$(<"$own/seconds")
  options=(--time "$seconds" --congestion cubic --json)
  bash "$own/up" 2>"$own/log"
  trap 'bash "$own/down" 2>>"$own/log"' EXIT
  ip netns exec "$lab-b" mptcpize run iperf3 --server >"$own/server" 2>&1 &
  server=$!
  while read -r source; do
    within "$lab-a" ping -q -c 2 -w 5 -I "$source" b >/dev/null || true
    within "$lab-a" ping -c 20 -i 0.2 -I "$source" b >"$own/ping.$source" || true
  done <"$own/sources"
  for ((round = 1; round <= rounds; round++)); do
    while read -r name protocol source; do
      wrap=(iperf3)
      [[ $protocol != mptcp ]] || wrap=(mptcpize run iperf3)
      [[ $source == - ]] || wrap+=(--bind "$source")
      within "$lab-a" "${wrap[@]}" --client b "${options[@]}" </dev/null >"$own/$name.$round" || true
    done <"$own/transfers"
  done
  kill "$server"
}

uname -r >"$folder/kernel"
running=0
for lab; do
  ((running++ < at_once)) || wait -n
  (measure "$lab") &
done
wait
