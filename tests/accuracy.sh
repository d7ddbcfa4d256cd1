#!/usr/bin/env bash
# Measures transfers from a to b in a lab: accuracy.sh FOLDER ROUNDS
#
# FOLDER has the name of the lab, and holds its scripts, how many seconds a transfer takes, its transfers (name, protocol,
# the address that it is opened from, or `-`, the congestion control, the rate that UDP offers, or `-`, and the seconds
# at the start that do not count), and the addresses to ping from. Reports of iperf3 and ping are left there, and the
# kernel's release.
set -euo pipefail
cd "$1"
lab=${PWD##*/} rounds=$2
seconds=$(<seconds)

within() { timeout $((seconds + 20)) ip netns exec "$@"; }

uname -r >kernel
bash up 2>log
trap 'bash down 2>>log' EXIT
ip netns exec "$lab-b" mptcpize run iperf3 --server >server 2>&1 &
while read -r source; do
  within "$lab-a" ping -q -c 2 -w 5 -I "$source" b >/dev/null || true
  within "$lab-a" ping -c 20 -i 0.2 -I "$source" b >"ping.$source" || true
done <sources
for ((round = 1; round <= rounds; round++)); do
  while read -r name protocol source control offered omitted; do
    wrap=(iperf3)
    [[ $protocol != mptcp ]] || wrap=(mptcpize run iperf3)
    [[ $source == - ]] || wrap+=(--bind "$source")
    options=(--congestion "$control" --omit "$omitted")
    [[ $protocol != udp ]] || options=(--udp --bitrate "$offered")
    for attempt in 1 2 3; do # iperf3 loses its control connection now and then
      within "$lab-a" "${wrap[@]}" --client b --time "$seconds" "${options[@]}" --json </dev/null >"$name.$round" || true
      ! grep -q sum_received "$name.$round" || break
      echo "$name.$round, attempt $attempt: $(grep '"error"' "$name.$round")" >>log
      sleep 1
    done
  done <transfers
done
kill $!
