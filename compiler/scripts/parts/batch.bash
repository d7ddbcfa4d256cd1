# === batches, side by side ====================================================
# Sections are done in parts side by side, one for each processor: `part` is this one, `turn` counts.
part=
turn=0

# Starting programs is what takes the time, so a namespace is entered once for all of a section: `within` and
# `configure` note what is to be done there, each tool with its input, and `visit` has the visitor do it, while this shell
# reads what is next.
visited=
tools=()
inputs=()
entered=
entered_tools=()
entered_inputs=()
declare -A settings=()

# What a visit has beside tools: `put` sets sysctls, from lines of paths and values, in which `*` is any name; `lines`
# calls a tool for each line, as of more than 511 words `ip -batch` takes none. (`put` goes to a directory below
# /proc/sys/net and looks names up there. Those of all namespaces have one parent, where the kernel goes through all of one
# name: of a thousand namespaces, that would be most of what a visit takes.)
IFS= read -rd '' PUT <<'PUT' || true
fail() { echo "Command failed -:$row"; exit 1; }
put() {
  row=0 inside=
  while read -r paths value; do
    row=$((row + 1)) name=${paths#/proc/sys/net/}
    case $name in
      "$inside"/*) ;;
      */*) inside=${name%%/*} && cd "/proc/sys/net/$inside" ;;
      *) inside= && cd /proc/sys/net ;;
    esac || fail
    for path in ${name#"$inside"/}; do printf '%s\n' "$value" >"$path" || fail; done
  done
  cd /
}
lines() {
  row=0
  while read -r words; do
    row=$((row + 1))
    [ -z "$words" ] || "$1" $words || fail
  done
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

# Finds the tool and the row that a visit ended at, where that does not tell: LOG.
blame() {
  local number words
  for number in "${!entered_tools[@]}"; do
    tool=${entered_tools[number]} input=${entered_inputs[number]}
    read -ra words <<<"$tool"
    [[ $tool == "put -" ]] || ! find_row "$input" "$1" nsenter --net="/run/netns/$entered" "${words[@]}" || return 0
  done
  tool='' row=''
}

# Has the visitor do what is noted, when it has done what was noted before. A tool that fails ends a visit with 100 and its
# number, but for the last, which the shell of the visit becomes. (`ip -n` would copy all the mounts of the host each time.)
visit() {
  local number last=$((${#tools[@]} - 1)) steps=''
  ((${#tools[@]})) || return 0
  start_visitor
  finish_visit
  for number in "${!tools[@]}"; do
    if ((number < last)); then
      steps+="${tools[number]} <<\"END\" || exit $((100 + number))"
    else
      [[ ${tools[number]} == "put -" || ${tools[number]} == "lines "* ]] || steps+="exec "
      steps+="${tools[number]} <<\"END\""
    fi
    steps+=$'\n'${inputs[number]%$'\n'}$'\nEND\n'
  done
  send "$visited" "$PUT${steps%$'\n'}"
  entered=$visited entered_tools=("${tools[@]}") entered_inputs=("${inputs[@]}")
  tools=() inputs=()
}

# Waits for the end of the visit that the visitor is at.
finish_visit() {
  local log number tool='' input=''
  [[ -n $entered ]] || return 0
  hear
  log=${said%$'\n'} row=
  [[ $status == 0 ]] || {
    number=$((${#entered_tools[@]} - 1))
    ((status < 100 || status > 100 + number)) || number=$((status - 100))
    if [[ $log =~ (-|stdin):([0-9]+) ]]; then
      row=${BASH_REMATCH[2]} tool=${entered_tools[number]} input=${entered_inputs[number]}
    else
      blame "$log"
    fi
    reject "in $entered: $tool" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
  entered=
}

# Ends a part of a section, when all that is noted is done.
leave() {
  visit
  finish_visit
  [[ -z $visitor ]] || end_visitor || die "what enters namespaces has failed: $said"
}

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() settings=() part=
  ((failed == 0)) || exit 1
}
