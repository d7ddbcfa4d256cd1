# === captures =================================================================
# Notes what keeps captures from being written, the names of which are those of PCAPS.
need_captures() {
  local file
  if [[ ! -d $CAPTURES || $CAPTURES == *$'\n'* || ($EUID == 0 && ! -w $CAPTURES) ]]; then
    missing+=("a folder ${CAPTURES//$'\n'/?} that can be written, for captures")
    return
  fi
  CAPTURES=$(cd -P -- "$CAPTURES" && pwd)
  CAPTURES=${CAPTURES%/}
  for file in "${PCAPS[@]}"; do
    [[ ! -e $CAPTURES/$file && ! -L $CAPTURES/$file ]] ||
      missing+=("the name $CAPTURES/$file: something has it (--captures DIR has captures written elsewhere)")
  done
}

# Captures what an interface sends and receives: NAMESPACE NODE INTERFACE SNAP FILE. tcpdump(8) begins at interfaces that
# are up, so this one is, and down again when the capture has begun: as the other end of its link is down meanwhile, it has
# no packets before. A sixth word is for a device, which stays up, with all that its commands gave it. (tcpdump(8) does not
# tell of a disk that is full: cat(1) does, and ends.)
# shellcheck disable=SC2016 # Expanded by that shell.
TCPDUMP='set -o pipefail; tcpdump -i "$DEVICE" -n -p -U -s "$SNAP" -w - | (trap "" TERM; exec cat >>"$FILE")'
capture() {
  local _ name=$2:$3 file=$CAPTURES/$5 log=$RUNS/$2:$3.log
  note "capture $file"
  (set -C && : >"$file") 2>/dev/null || { notes["capture $file"]='' && die "cannot make $file"; }
  ip -n "$1" link set dev "$3" up
  start_inside "$1" "$name" <<<"$TCPDUMP"$'\n'"DEVICE=$3"$'\n'"SNAP=$4"$'\n'"FILE=$file"
  for _ in {1..500}; do
    [[ ! -s $log || $(<"$log") != *"listening on $3, "* ]] || break
    kill -0 "${started[-1]}" 2>/dev/null || break
    sleep 0.02
  done
  [[ $(<"$log") == *"listening on $3, "* ]] || die "cannot capture $name: $(<"$log")"
  [[ -n ${6:-} ]] || ip -n "$1" link set dev "$3" down
}
