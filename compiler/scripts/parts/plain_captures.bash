CAPTURES=.
if [[ ${1-} == --captures ]]; then CAPTURES=${2:?} && shift 2; fi
CAPTURES=$(cd -P -- "$CAPTURES" && pwd)
# Captures what an interface sends and receives: NAMESPACE NODE INTERFACE SNAP FILE. tcpdump(8) begins at interfaces that are
# up; as the other end of the link is down meanwhile, there are no packets before. A device (a sixth word) stays up. cat(1)
# ends where a disk is full.
# shellcheck disable=SC2016 # Expanded by that shell.
TCPDUMP='set -o pipefail; tcpdump -i "$DEVICE" -n -p -U -s "$SNAP" -w - | (trap "" TERM; exec cat >>"$FILE")'
capture() {
  local file=$CAPTURES/$5 log=$CLAIM.d/$2:$3.log
  (set -C && : >"$file") || { say "error: cannot make $file"; exit 1; }
  echo "capture $file" >>"$CLAIM"
  ip -n "$1" link set dev "$3" up
  start_inside "$1" "$2:$3" "$TCPDUMP" "DEVICE=$3" "SNAP=$4" "FILE=$file"
  for _ in {1..500}; do ! grep -qs "listening on $3, " "$log" || break; sleep 0.02; done
  grep -q "listening on $3, " "$log" || { say "cannot capture $2:$3: $(<"$log")"; exit 1; }
  [[ -n ${6:-} ]] || ip -n "$1" link set dev "$3" down
}
# Waits until captures have what came by now; those of an up that failed are taken away.
end_captures() {
  local file
  if grep -qsx up "$CLAIM"; then sleep 1.2 && return; fi
  while read -r file; do rm -f "$file"; done < <(sed -n 's/^capture //p' "$CLAIM" 2>/dev/null)
}
