# === what a bench tells =======================================================
# Each form has a head, something to tell or to keep of each measurement (ROUND NUMBER, and the words of its row), and
# an end. Tables are in Mbit/s, and what programs read in bits a second.
told=0
declare -A rates=() wires=() paths=() subflows=() counts=() repeats=() plays=()

# What a row is called: NUMBER SOURCE TARGET _ _ _ _ _ PROTOCOL FLOWS.
called() {
  local flows=
  ((${10} == 1)) || flows=" ${10}"
  echo "$2 -> $3 using $9$flows${backward[$1]:+ reverse}"
}

hundredths() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

# What is predicted: the mean, the lowest and the highest, in bits a second; a sign alone is all three.
foreseen() {
  local mean low high
  IFS=, read -r mean low high <<<"$1"
  echo "$mean ${low:-$mean} ${high:-$mean}"
}

# The same for people, in Mbit/s.
in_words() {
  local mean low high
  read -r mean low high < <(foreseen "$1")
  case $mean in
    [0-9]*) ((high - low <= high / 100)) && mbit "$((mean / 1000))" || echo "$(mbit "$((low / 1000))")..$(mbit "$((high / 1000))")" ;;
    *) echo "$mean" ;;
  esac
}

# Prints words with tabs between them.
tabbed() {
  local IFS=$'\t'
  out "$*"
}

# What the result is of, in lines that begin with `#`, and the names of columns.
tsv_head() {
  local one
  for one in "${named[@]}"; do tabbed "# ${one%% *}" "${one#* }"; done
  tabbed "# tools" "${versions[*]}"
  tabbed round source target transfer flows seconds predicted received arrived interfaces likely began retransmitted reverse
}

tsv_one() {
  local one words=() mean low high
  read -r mean low high < <(foreseen "$5")
  for one in "${moved[@]}"; do words+=("${one%=*}=$((${one#*=} * 1000))"); done
  tabbed "$1" "$3" "$4" "${10}" "${11}" "$6" "$mean" "$((received * 1000))" "$(came -)" "${words[*]}" \
    "$low..$high" "$time" "$(sent_again "${10}")" "${backward[$2]:-no}"
}

# The segments that were sent again, of a protocol that sends again: PROTOCOL, and what stands for none.
sent_again() { if [[ $1 == udp ]]; then echo "${2:--}"; else echo "${again/-/${2:--}}"; fi; }

# What came in at the receiver, in bits a second, or what stands for that of another machine.
came() { if [[ $arrived == - ]]; then echo "$1"; else echo "$((arrived * 1000))"; fi; }

tsv_end() { :; }

# However the bench ends, the list does.
json_head() {
  local one text='{' comma=
  for one in "${named[@]}"; do
    if [[ $one == "params "* ]]; then text+="\"params\": ${one#* }, "; else text+="\"${one%% *}\": \"${one#* }\", "; fi
  done
  text+='"tools": {'
  for one in "${versions[@]}"; do
    text+="$comma\"${one%% *}\": \"${one#* }\""
    comma=', '
  done
  out "$text}, \"measurements\": ["
  closing=json_end
}

json_one() {
  local one comma='' when name source target text row=' ' mean low high
  read -r mean low high < <(foreseen "${5/#[-?]/null}")
  ((told++ == 0)) || row=,
  printf -v text '{"round": %d, "source": "%s", "target": "%s", "transfer": "%s", ' "$1" "$3" "$4" "${10}"
  row+="$text\"reverse\": $(if [[ -n ${backward[$2]:-} ]]; then echo true; else echo false; fi), "
  printf -v text '"flows": %d, "seconds": %d, "predicted": %s, "likely": [%s, %s], ' "${11}" "$6" "$mean" "$low" "$high"
  row+=$text
  printf -v text '"received": %d, "arrived": %s, "interfaces": {' "$((received * 1000))" "$(came null)"
  row+=$text
  for one in "${moved[@]}"; do
    row+="$comma\"${one%=*}\": $((${one#*=} * 1000))"
    comma=', '
  done
  row+='}, "events": ['
  comma=
  for one in "${events[@]}"; do
    read -r when name source target <<<"$one"
    row+="$comma{\"seconds\": $(hundredths "$when"), \"event\": \"$name\", \"source\": \"$source\", \"target\": \"$target\"}"
    comma=', '
  done
  row+='], '
  [[ -z $during ]] || row+="\"played\": [$(json_played)], "
  [[ -z ${recorded[$2]:-} ]] || row+="\"captures\": {$(json_captures "$2" "$1")}, "
  row+="\"subflows\": ${counted:-null}, \"began\": \"$time\", \"retransmitted\": $(sent_again "${10}" null), "
  out "$row\"over_time\": $over_time}"
}

# The events that were played beside the last transfer.
json_played() {
  local one comma='' when due what
  for one in "${played[@]}"; do
    read -r when due what <<<"$one"
    printf '%s{"seconds": %s, "due": %s, "event": "%s"}' "$comma" "$(hundredths "$when")" "$due" "$what"
    comma=', '
  done
}

# The files of captures of a transfer, by interface, without their folder: NUMBER ROUND.
json_captures() {
  local i comma='' caught files
  read -ra caught <<<"${recorded[$1]}"
  mapfile -t files < <(files_of "$1" "$2")
  for i in "${!files[@]}"; do
    printf '%s"%s:%s": "%s"' "$comma" "${caught[4 * i + 1]}" "${caught[4 * i + 2]}" "${files[i]##*/}"
    comma=', '
  done
}

json_end() {
  closing=:
  set_time
  out "], \"ended\": \"$time\"}"
}

table_head() { :; }

table_one() {
  rates[$2]+=" $received" wires[$2]+=" $arrived" paths[$2]=${moved[*]} repeats[$2]=$(sent_again "${10}") subflows[$2]=$(printf '%s\n' "${events[@]}")
  counts[$2]=$counted plays[$2]=$(printf '%s\n' "${played[@]}")
}

# The lowest, the middle and the highest of some numbers.
spread() {
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo "${sorted[0]} ${sorted[$# / 2]} ${sorted[-1]}"
}

table_end() {
  local i words low middle high wire list name width=32
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    name=$(called "$i" "${words[@]}")
    ((${#name} <= width)) || width=${#name}
  done
  printf '%-*s %14s %10s %18s %10s\n' "$width" "Mbit/s" predicted received "least .. most" arrived
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    read -ra list <<<"${rates[$i]}" && read -r low middle high < <(spread "${list[@]}")
    read -ra list <<<"${wires[$i]}" && read -r _ wire _ < <(spread "${list[@]}")
    printf '%-*s %14s %10s %18s %10s\n' "$width" "$(called "$i" "${words[@]}")" "$(in_words "${words[2]}")" "$(mbit "$middle")" \
      "$(mbit "$low") .. $(mbit "$high")" "$(if [[ $wire == - ]]; then echo -; else mbit "$wire"; fi)"
  done
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    details "$i" "${words[@]}"
  done
}

# Tells on which paths the bytes of the last round of a row went, and when its subflows came and went.
details() {
  local one list when name source target
  read -ra list <<<"${paths[$1]}"
  printf '\n%s, the last time:\n' "$(called "$@")"
  [[ -z ${odds[$1]:-} ]] || printf '  predicted: %s\n' "${odds[$1]}"
  for one in "${list[@]}"; do printf '  %8s Mbit/s sent by %s\n' "$(mbit "${one#*=}")" "${one%=*}"; done
  [[ ${repeats[$1]} == - ]] || printf '  %8s segments sent again\n' "${repeats[$1]}"
  [[ -z ${counts[$1]} ]] || printf '  %8s subflows beside the first, half-way, says ss\n' "${counts[$1]}"
  [[ -z ${plays[$1]} ]] || while read -r when _ name; do
    printf '  %8s s %s\n' "$(hundredths "$when")" "$name"
  done <<<"${plays[$1]}"
  [[ -z ${subflows[$1]} ]] || while read -r when name source target; do
    printf '  %8s s %s %s -> %s\n' "$(hundredths "$when")" "$name" "$source" "$target"
  done <<<"${subflows[$1]}"
}
