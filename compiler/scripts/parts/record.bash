# === captures of transfers ====================================================
# Where they are written.
CAPTURES=.
declare -A recorded=()
recording=()

# Notes what is captured during the last transfer: NAMESPACE NODE INTERFACE SNAP ...
record() { recorded[$((${#rows[@]} - 1))]=$*; }

# Prints the files of a transfer: NUMBER ROUND.
files_of() {
  local i whose caught
  read -ra whose <<<"${rows[$1]}"
  read -ra caught <<<"${recorded[$1]:-}"
  for ((i = 0; i < ${#caught[@]}; i += 4)); do
    echo "$CAPTURES/$LAB.${whose[0]}.${whose[1]}.${whose[7]}-${whose[8]}${backward[$1]:+-reverse}.$2.${caught[i + 1]}.${caught[i + 2]}.pcap"
  done
}

# Ends here where a file cannot be made, before anything is measured: none is overwritten.
need_files() {
  local i round file files
  ((${#recorded[@]})) || return 0
  [[ -d $CAPTURES && -w $CAPTURES && $CAPTURES != *$'\n'* ]] ||
    die "there is no folder ${CAPTURES//$'\n'/?} that can be written, for captures"
  CAPTURES=$(cd -P -- "$CAPTURES" && pwd)
  for i in "${!recorded[@]}"; do
    for ((round = 1; round <= REPEAT; round++)); do
      mapfile -t files < <(files_of "$i" "$round")
      for file in "${files[@]}"; do
        [[ ! -e $file && ! -L $file ]] || die "there is $file already: --captures DIR has captures written elsewhere"
      done
    done
  done
}

# Has tcpdump(8) write the packets of a transfer, and waits until it has begun: NUMBER ROUND.
# shellcheck disable=SC2016 # Expanded by that shell.
RECORD='exec tcpdump -i "$1" -n -p -U -s "$2" -w - >"$3"'
start_recording() {
  local _ i caught files
  recording=()
  read -ra caught <<<"${recorded[$1]:-}"
  mapfile -t files < <(files_of "$1" "$2")
  for i in "${!files[@]}"; do
    : >"$scratch/record.$i"
    begin_in "record.$i" "${caught[4 * i]}" bash -c "$RECORD" - "${caught[4 * i + 2]}" "${caught[4 * i + 3]}" "${files[i]}"
    recording+=("$!")
  done
  for i in "${!files[@]}"; do
    for _ in {1..250}; do
      [[ $(<"$scratch/record.$i") != *"listening on "* ]] || break
      kill -0 "${recording[i]}" 2>/dev/null || break
      sleep 0.02
    done
  done
}

# Ends that when all is there that came (the kernel hands over packets a second late at most), and says what is lacking.
end_recording() {
  local i lost
  ((${#recording[@]})) || return 0
  sleep 1.2
  for i in "${!recording[@]}"; do
    kill "${recording[i]}" 2>/dev/null || lost=ended
    wait "${recording[i]}" || true
    [[ ! $(<"$scratch/record.$i") =~ ([1-9][0-9]*)\ packets?\ dropped ]] || lost="lost ${BASH_REMATCH[1]} packets"
    [[ -z ${lost:-} ]] || say "warning: a capture has $lost: $(tail -n 4 "$scratch/record.$i")"
    lost=
  done
}
