# === events beside a transfer =================================================
# Whether the events of the lab are played beside each transfer, and what of them happened beside the last, and when:
# HUNDREDTHS DUE EVENT.
during=
played=()
player=

# Has the play script, which is in PLAY, play for some seconds, and makes the lab as it was when they are over, so that
# iperf3 can end: SECONDS.
start_play() {
  printf %s "$PLAY" >"$scratch/play"
  : >"$scratch/played"
  bash "$scratch/play" --for "$1" </dev/null > >(stamp >"$scratch/played") 2>"$scratch/play.said" {alone}<&- &
  player=$!
  started+=("$player")
}

# Waits until the lab is as it was, and reads what has happened.
end_play() {
  local line status=0
  dismiss "$player"
  wait "$player" || status=$?
  until [[ $(<"$scratch/played") == *. ]]; do sleep 0.02; done
  played=()
  while IFS= read -r line; do
    [[ ! $line =~ ^([0-9]+)\ ([0-9.]+)$'\t'[0-9.]+$'\t'(.*)$ ]] ||
      played+=("${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[3]}")
  done <"$scratch/played"
  ((status == 0 || status == 143)) || said=${said:-the play failed: $(<"$scratch/play.said")}
}
