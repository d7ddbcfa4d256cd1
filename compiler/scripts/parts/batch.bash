# === batches, side by side ====================================================
# Sections are done in parts side by side, one for each processor: `part` is this one, `turn` counts.
part=
turn=0

# Starting programs is what takes the time, so a namespace is entered once for all of a section: `within` and
# `configure` note what is to be done there, each tool with its input, and `visit` does it. Up to four tools.
visited=
tools=()
inputs=()
declare -A settings=()

# What a visit has beside tools: `put` sets sysctls, from a file of paths and values, in which `*` is any name; `lines`
# calls a tool for each line of a file, as of more than 511 words `ip -batch` takes none.
IFS= read -rd '' PUT <<'PUT' || true
put() {
  row=0
  while read -r paths value; do
    row=$((row + 1))
    for path in $paths; do
      printf '%s\n' "$value" >"$path" || { echo "Command failed $1:$row"; exit 1; }
    done
  done <"$1"
}
lines() {
  row=0
  while read -r words; do
    row=$((row + 1))
    [ -z "$words" ] || "$1" $words || { echo "Command failed $2:$row"; exit 1; }
  done <"$2"
}
PUT

# Ends up with what a tool says of a row of its input.
reject() {
  local tool=$1 row=$2 input=$3 log=$4 rows=()
  [[ -z $row ]] || mapfile -t rows <<<"$input"
  row=${row:+ ${rows[row - 1]:-}}
  [[ $row != " netns add "* || $log != *"File exists"* ]] || spare "${row##* }"
  say "failed: $tool$row"
  die "$log"
}

# Sets `row` to the number of the row at which a command ended: ROWS LOG COMMAND... The tools tell it, but for a row that
# ip(8) or tc(8) cannot read: that is the first of which they say the same alone. (What was done before fails now, and
# all is taken back.)
row=
find_row() {
  local line number=0 said
  row=
  while IFS= read -r line; do
    number=$((number + 1))
    said=$("${@:3}" <<<"$line" 2>&1) || [[ -z $said || $2 != *"$said" ]] || { row=$number && return; }
  done <<<"${1%$'\n'}"
  return 1
}

# Feeds its input to a command. (`exec` saves a process.)
feed() {
  local input log
  IFS= read -rd '' input || true
  log=$(exec "$@" <<<"$input" 2>&1) || {
    if [[ $log =~ -:([0-9]+) ]]; then row=${BASH_REMATCH[1]}; else find_row "$input" "$log" "$@" || true; fi
    reject "$*" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
}

# Notes the sysctls of its input for some namespaces. In a key, `.` and `/` change places to make a path.
configure() {
  local key value paths='' ns
  while IFS='=' read -r key value; do
    key=${key//\//,} key=${key//.//} key=${key//,/.}
    paths+="/proc/sys/$key $value"$'\n'
  done
  for ns; do settings[$ns]=$paths; done
}

# Whether the namespace is this part's.
mine() { ((turn % CPUS == part)); }

# Notes a tool and its input for a namespace, where that is this part's, having visited the one before.
within() {
  local input
  [[ $1 == "$visited" ]] || next "$1"
  mine || return 0
  IFS= read -rd '' input || true
  tools+=("${*:2}") inputs+=("$input")
}

# Goes on to a namespace. The first part counts.
next() {
  visit
  visited=$1
  turn=$((turn + 1))
  ((part || turn % 100)) || say "$turn namespaces"
  ! mine || [[ -z ${settings[$1]:-} ]] || { tools=("put -") inputs=("${settings[$1]%$'\n'}"); }
}

# Finds the tool and the row of what is noted that a visit ended at, where that does not tell: LOG.
blame() {
  local number words
  for number in "${!tools[@]}"; do
    tool=${tools[number]} input=${inputs[number]}
    read -ra words <<<"$tool"
    [[ $tool == "put -" ]] || ! find_row "$input" "$1" nsenter --net="/run/netns/$visited" "${words[@]}" || return 0
  done
  tool='' row=''
}

# Does what is noted. (`ip -n` would copy all the mounts of the host each time.)
visit() {
  local number steps='' log tool='' input=''
  ((${#tools[@]})) || return 0
  for number in "${!tools[@]}"; do steps+=" && ${tools[number]%-}/dev/fd/$((number + 3))"; done
  log=$(exec nsenter --net="/run/netns/$visited" sh -c "$PUT ${steps#* && }" 2>&1 \
    3<<<"${inputs[0]}" 4<<<"${inputs[1]:-}" 5<<<"${inputs[2]:-}" 6<<<"${inputs[3]:-}") || {
    if [[ $log =~ /dev/fd/([0-9]+):([0-9]+) ]]; then
      number=$((BASH_REMATCH[1] - 3)) row=${BASH_REMATCH[2]}
      tool=${tools[number]} input=${inputs[number]}
    else
      blame "$log"
    fi
    reject "in $visited: $tool" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
  tools=() inputs=()
}

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() settings=() part=
  ((failed == 0)) || exit 1
}
