#!/usr/bin/env bash
# Measures labs, one after another: answer.sh FOLDER
#
# A folder `wayN` in FOLDER holds the scripts of the lab of that name, and `transfer`, which sends from a to b in the lab
# $LAB, as often as `rounds` says. What it prints is left in `told.1` and so on, and the kernel's release in FOLDER/kernel.
set -euo pipefail
shopt -s nullglob
cd "$1"

measure() {
  local server round
  bash up 2>log
  ip netns exec "$LAB-b" mptcpize run iperf3 --server >server 2>&1 &
  server=$!
  ip netns exec "$LAB-a" ping -q -c 2 -w 9 b >/dev/null
  for ((round = 1; round <= $(<rounds); round++)); do
    for _ in 1 2 3; do # iperf3 loses its control connection now and then
      ! timeout 120 bash transfer </dev/null >"told.$round" 2>>log || break
      sleep 1
    done
  done
  kill "$server"
  bash down 2>>log
}

uname -r >kernel
for LAB in way*; do
  export LAB
  (cd "$LAB" && measure)
done
