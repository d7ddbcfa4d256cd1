#!/usr/bin/env bash
# Measures labs, one after another: bloat.sh FOLDER
#
# A folder `queueN` in FOLDER holds the scripts of the lab of that name. What ping tells of a round trip from a to b is left
# in `idle`, and in `beside.N` and `sent.N` while N TCP connections send from a to b; the kernel's release in FOLDER/kernel.
set -euo pipefail
shopt -s nullglob
cd "$1"

TIME=16
WARM=4

measure() {
  local server flows sender
  bash up 2>log
  ip netns exec "$LAB-b" iperf3 --server >server 2>&1 &
  server=$!
  ip netns exec "$LAB-a" ping -q -c 2 -w 9 b >/dev/null
  ip netns exec "$LAB-a" ping -c 20 -i 0.1 b >idle
  for flows in 1 8; do
    ip netns exec "$LAB-a" iperf3 --time "$TIME" --congestion cubic --parallel "$flows" --json --client b >"sent.$flows" &
    sender=$!
    sleep "$WARM"
    ip netns exec "$LAB-a" ping -c $(((TIME - WARM - 1) * 10)) -i 0.1 b >"beside.$flows" || true
    wait "$sender"
  done
  kill "$server"
  bash down 2>>log
}

uname -r >kernel
for LAB in queue*; do
  export LAB
  (cd "$LAB" && measure)
done
