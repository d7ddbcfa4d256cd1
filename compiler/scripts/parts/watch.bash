# === what happens over time ===================================================
# The namespaces that packets of each transfer cross, with the nodes that they are of: `NODE NAMESPACE ...`.
crossed=()

# The files of what is told of those of the transfer that is measured.
watched=()

# Bytes that a socket sends at least, if it is not iperf3's own.
DATA=20000

# Has a shell in a namespace tell ten times a second, until it is asked to end, what each interface has sent, what waits in
# its queues, and its TCP sockets: NODE BEGAN SOCKETS. (It waits by a read of what nobody writes.)
# shellcheck disable=SC2016 # Expanded by that shell.
WATCH='exec {never}<> <(:)
began=$2 next=0
while :; do
  read -r time _ </proc/uptime
  echo "at $((10#${time/./} - began)) $1"
  while IFS=" :" read -r name _ _ _ _ _ _ _ _ sent _; do
    [[ $name == lo || ! $sent =~ ^[0-9]+$ ]] || echo "sent $name $sent"
  done </proc/net/dev
  echo "queues $(tc -s -j qdisc show)"
  [[ $3 == - ]] || while read -r line; do echo "socket $line"; done < <(ss -tinHO "$3")
  read -r time _ </proc/uptime
  left=$(((next += 10) + began - 10#${time/./}))
  ((left > 0)) || next=$((next - left)) left=1
  printf -v left 0.%02d "$left"
  read -rt "$left" -u "$never" || true
done 2>/dev/null'

# Makes JSON of that and of what a receiver said: series of [SECONDS, VALUE]. What waits is that of the queue that has a
# rate, in bytes and packets: netem has what is under way.
IFS= read -rd '' SERIES <<'SERIES' || true
function number(name) {
  return match($0, name ":[0-9.]+") ? substr($0, RSTART + length(name) + 1, RLENGTH - length(name) - 1) : 0
}

# The value of a name in JSON that has no escapes.
function value(text, name) {
  if (!match(text, "\"" name "\":\"?[^,\"}]+")) return ""
  text = substr(text, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
  sub(/^"/, "", text)
  return text
}

function add(list, key, what) {
  if (!((list, key) in series)) keys[list, ++count[list]] = key
  series[list, key] = series[list, key] (series[list, key] == "" ? "" : ", ") sprintf("[%.2f, %s]", time, what)
}

# Bits a second since the last time, from a count of bytes.
function rate(key, bytes,   told) {
  told = ""
  if (key in counted && time > since[key]) told = sprintf("%.0f", (bytes - counted[key]) * 8 / (time - since[key]))
  counted[key] = bytes
  since[key] = time
  return told
}

function interface(name,   told) {
  if (!(name in shown)) return
  told = rate(name, $3)
  if (told != "") add("interfaces", name, told)
}

function queues(   parts, i, device, kind, waits) {
  for (i = split($0, parts, /\{"kind":"/); i > 1; i--) {
    kind = parts[i]
    sub(/".*/, "", kind)
    device = value(parts[i], "dev")
    if (device in waits) continue
    waits[device] = ""
    if (kind ~ /^(tbf|[pb]fifo)$/) waits[device] = value(parts[i], "backlog") ", " value(parts[i], "qlen")
  }
  for (device in waits) if (waits[device] != "" && (node ":" device) in shown) add("queues", node ":" device, waits[device])
}

function socket(   key, told, again) {
  key = $5 " " $6
  total[key] = number("bytes_sent") + 0
  told = rate("socket " key, total[key])
  if (told == "") return
  again = match($0, /retrans:[0-9]+\/[0-9]+/) ? substr($0, RSTART, RLENGTH) : 0
  sub(/.*\//, "", again)
  add("sent", key, told)
  add("window", key, number("cwnd"))
  add("rtt", key, number(" rtt"))
  add("retransmitted", key, again)
}

function object(list,   i, text) {
  for (i = 1; i <= count[list]; i++) {
    text = text sprintf("%s\"%s\": [%s]", i > 1 ? ", " : "", keys[list, i], series[list, keys[list, i]])
  }
  return "{" text "}"
}

function subflow(key,   ends) {
  split(key, ends, " ")
  return sprintf("{\"source\": \"%s\", \"target\": \"%s\", \"sent\": [%s], ", ends[1], ends[2], series["sent", key]) \
    sprintf("\"window\": [%s], \"rtt\": [%s], ", series["window", key], series["rtt", key]) \
    sprintf("\"retransmitted\": [%s]}", series["retransmitted", key])
}

function subflows(   i, key, text) {
  for (i = 1; i <= count["sent"]; i++) {
    key = keys["sent", i]
    if (total[key] >= DATA) text = text (text == "" ? "" : ", ") subflow(key)
  }
  return "[" text "]"
}

BEGIN {
  split(MOVED, names, " ")
  for (i in names) shown[names[i]] = 1
}
$1 == "at" { time = $2 / 100; node = $3 }
$1 == "sent" { interface(node ":" $2) }
$1 == "queues" { queues() }
$1 == "socket" { socket() }
# (iperf3 tells all again where it is asked to end while it ends; its last interval is too short for a rate.)
/^\[.* sec .* Kbits\/sec/ && !/ (sender|receiver)/ && (/^\[SUM\]/ || FLOWS == 1) {
  match($0, /-[0-9.]+ +sec/)
  time = substr($0, RSTART + 1) + 0
  if (time < last + 0.05) next
  last = time
  match($0, /[0-9.]+ Kbits\/sec/)
  add("received", "all", sprintf("%.0f", substr($0, RSTART) * 1000))
}
/^Server output:/ {
  series["received", "all"] = ""
  last = 0
}
END {
  printf "{\"received\": [%s], \"interfaces\": %s, ", series["received", "all"], object("interfaces")
  printf "\"queues\": %s, \"subflows\": %s}\n", object("queues"), subflows()
}
SERIES

# Notes which namespaces the packets of the last transfer cross: NODE NAMESPACE ...
over() { crossed[${#rows[@]} - 1]=$*; }

# Has those of a transfer watched, and of the one that sends its sockets too: NUMBER SOURCE SOCKETS.
watch_all() {
  local i words sockets
  read -ra words <<<"${crossed[$1]:-}"
  watched=()
  for ((i = 0; i < ${#words[@]}; i += 2)); do
    sockets=-
    [[ ${words[i]} != "$2" ]] || sockets=$3
    watched+=("$scratch/over.$i")
    begin_in "over.$i" "${words[i + 1]}" bash -c "$WATCH" - "${words[i]}" "$began" "$sockets"
  done
}

# Tells what happened over time: FLOWS, and the file of what the receiver said.
series() { awk -v MOVED="${moved[*]%%=*}" -v DATA="$DATA" -v FLOWS="$1" "$SERIES" "${watched[@]}" "$scratch/$2"; }
