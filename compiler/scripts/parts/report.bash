# === what a bench tells =======================================================
# Each form has a head, something to tell or to keep of each measurement (ROUND NUMBER, and the words of its row), and
# an end. Tables are in Mbit/s, and what programs read in bits a second.
told=0
declare -A rates=() wires=() paths=() subflows=() counts=()

# What a row is called: SOURCE TARGET _ _ _ _ _ PROTOCOL FLOWS.
called() {
  local flows=
  (($9 == 1)) || flows=" $9"
  echo "$1 -> $2 using $8$flows"
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

tsv_head() { tabbed round source target transfer flows seconds predicted received arrived interfaces likely; }

tsv_one() {
  local one words=() mean low high
  read -r mean low high < <(foreseen "$5")
  for one in "${moved[@]}"; do words+=("${one%=*}=$((${one#*=} * 1000))"); done
  tabbed "$1" "$3" "$4" "${10}" "${11}" "$6" "$mean" "$((received * 1000))" "$((arrived * 1000))" "${words[*]}" \
    "$low..$high"
}

tsv_end() { :; }

# However the bench ends, the list does.
json_head() {
  out '['
  closing=json_end
}

json_one() {
  local one comma='' time name source target text row=' ' mean low high
  read -r mean low high < <(foreseen "${5/#[-?]/null}")
  ((told++ == 0)) || row=,
  printf -v text '{"round": %d, "source": "%s", "target": "%s", "transfer": "%s", ' "$1" "$3" "$4" "${10}"
  row+=$text
  printf -v text '"flows": %d, "seconds": %d, "predicted": %s, "likely": [%s, %s], ' "${11}" "$6" "$mean" "$low" "$high"
  row+=$text
  printf -v text '"received": %d, "arrived": %d, "interfaces": {' "$((received * 1000))" "$((arrived * 1000))"
  row+=$text
  for one in "${moved[@]}"; do
    row+="$comma\"${one%=*}\": $((${one#*=} * 1000))"
    comma=', '
  done
  row+='}, "events": ['
  comma=
  for one in "${events[@]}"; do
    read -r time name source target <<<"$one"
    row+="$comma{\"seconds\": $(hundredths "$time"), \"event\": \"$name\", \"source\": \"$source\", \"target\": \"$target\"}"
    comma=', '
  done
  out "$row], \"subflows\": ${counted:-null}}"
}

json_end() {
  closing=:
  out ']'
}

table_head() { :; }

table_one() {
  rates[$2]+=" $received" wires[$2]+=" $arrived" paths[$2]=${moved[*]} subflows[$2]=$(printf '%s\n' "${events[@]}")
  counts[$2]=$counted
}

# The lowest, the middle and the highest of some numbers.
spread() {
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo "${sorted[0]} ${sorted[$# / 2]} ${sorted[-1]}"
}

table_end() {
  local i words low middle high wire list
  printf '%-32s %14s %10s %18s %10s\n' "Mbit/s" predicted received "least .. most" arrived
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    read -ra list <<<"${rates[$i]}" && read -r low middle high < <(spread "${list[@]}")
    read -ra list <<<"${wires[$i]}" && read -r _ wire _ < <(spread "${list[@]}")
    printf '%-32s %14s %10s %18s %10s\n' "$(called "${words[@]}")" "$(in_words "${words[2]}")" "$(mbit "$middle")" \
      "$(mbit "$low") .. $(mbit "$high")" "$(mbit "$wire")"
  done
  for i in "${!rows[@]}"; do
    read -ra words <<<"${rows[i]}"
    details "$i" "${words[@]}"
  done
}

# Tells on which paths the bytes of the last round of a row went, and when its subflows came and went.
details() {
  local one list time name source target
  read -ra list <<<"${paths[$1]}"
  printf '\n%s, the last time:\n' "$(called "${@:2}")"
  [[ -z ${odds[$1]:-} ]] || printf '  predicted: %s\n' "${odds[$1]}"
  for one in "${list[@]}"; do printf '  %8s Mbit/s sent by %s\n' "$(mbit "${one#*=}")" "${one%=*}"; done
  [[ -z ${counts[$1]} ]] || printf '  %8s subflows beside the first, half-way, says ss\n' "${counts[$1]}"
  [[ -z ${subflows[$1]} ]] || while read -r time name source target; do
    printf '  %8s s %s %s -> %s\n' "$(hundredths "$time")" "$name" "$source" "$target"
  done <<<"${subflows[$1]}"
}
