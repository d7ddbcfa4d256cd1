#!/usr/bin/env bash
# Measures transfers from a to b in labs: accuracy.sh FOLDER SECONDS ROUNDS LAB...
#
# FOLDER/LAB holds the scripts of a lab and the addresses to ping from; reports of iperf3 and ping are left there.
# The congestion control is CUBIC, whatever the machine's is; one TCP connection takes the way of the first address.
set -euo pipefail
folder=$1 seconds=$2 rounds=$3
shift 3
options=(--time "$seconds" --congestion cubic --json)

within() { timeout $((seconds + 20)) ip netns exec "$@"; }

measure() {
  local lab=$1 round source server first
  own=$folder/$lab
  bash "$own/up" 2>"$own/log"
  trap 'bash "$own/down" 2>>"$own/log"' EXIT
  ip netns exec "$lab-b" mptcpize run iperf3 --server >"$own/server" 2>&1 &
  server=$!
  read -r first <"$own/sources"
  while read -r source; do
    within "$lab-a" ping -q -c 2 -w 5 -I "$source" b >/dev/null || true
    within "$lab-a" ping -c 20 -i 0.2 -I "$source" b >"$own/ping.$source" || true
  done <"$own/sources"
  for ((round = 1; round <= rounds; round++)); do
    within "$lab-a" iperf3 --client b --bind "$first" "${options[@]}" >"$own/tcp.$round" || true
    within "$lab-a" mptcpize run iperf3 --client b "${options[@]}" >"$own/mptcp.$round" || true
  done
  kill "$server"
}

for lab; do
  (measure "$lab")
done
