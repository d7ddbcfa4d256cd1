# === the machine beside the plan ==============================================
# The namespaces are compared in parts, side by side: each turn is one of them.
CPUS=$(nproc 2>/dev/null || echo 2)
turn=0
part=0
MARK=mpc:$LAB
NFT=$(type -P nft) || true
export LAB SCRATCH='' PART='' RUNS=/run/mpc-$LAB.d NFT

# --- what this machine tells of what is planned ---

# Has tc(8) show the queueing disciplines that its input makes, those of an interface after those of another, where
# nobody else sees it: it rounds there as it does in the lab, whatever its version and the kernel. COUNT.
refer() {
  local line number=0
  unshare --net tc -batch - >"$scratch/queues" 2>/dev/null || true
  while IFS= read -r line; do
    [[ $line != *" root "* || $line == "qdisc noqueue "* ]] || ((++number))
  done <"$scratch/queues"
  ((number == $1)) || bail_out "this machine does not have all the queueing disciplines of the lab"
}

# Has ip(8) show the bridges that its input makes, a line each, and a port of each: COUNT.
refer_bridges() {
  local line bridges=0 ports=0
  while IFS= read -r line; do
    printf '%s\n' "link add name b $line" 'link add name p type veth peer name q' 'link set dev p master b up' \
      'link show' 'link del dev p' 'link del dev b'
  done | unshare --net ip -d -o -batch - >"$scratch/bridges" 2>/dev/null || true
  while IFS= read -r line; do
    [[ $line != *" bridge_slave "* ]] || ((++ports))
    [[ $line != *" bridge forward_delay "* ]] || ((++bridges))
  done <"$scratch/bridges"
  ((bridges == $1 && ports == $1)) || bail_out "this machine does not have all the bridges of the lab"
}

# Notes how a kernel sets MPTCP in a new namespace, which is how it is in those that have endpoints.
refer_mptcp() { unshare --net grep -sH '' -r /proc/sys/net/mptcp >"$scratch/mptcp" 2>/dev/null || true; }

# Asks an engine for all of its containers of the lab at once: ENGINE NAME... Of each, a line has its process, how it
# ended, and what it is of; or the engine, where that does not answer.
refer_containers() {
  local told name pid status=0 rest
  told=$(bounded "$PATIENCE" "$1" container inspect --format \
    '{{.Name}}|{{.State.Pid}}|{{.State.ExitCode}}|{{index .Config.Labels "mpc.lab"}}|{{.Config.Image}}|{{.Image}}' \
    "${@:2}") || status=$?
  if ((status == 124)); then
    printf "%s||$1\n" "${@:2}" >>"$scratch/containers"
    return
  fi
  while IFS='|' read -r name pid status rest; do
    [[ -z $rest ]] || printf '%s\n' "${name#/}|$pid|$(ending "$status")|$rest"
  done <<<"$told" >>"$scratch/containers"
}

# An exit status, with the signal that it stands for.
ending() {
  local signal=
  (($1 <= 128)) || signal=$(kill -l "$(($1 - 128))" 2>/dev/null) || true
  echo "$1${signal:+ (SIG$signal)}"
}

# Notes what each namespace has in a file of its own in /etc: NAME, and the text is the input.
file() {
  local text
  IFS= read -rd '' text || true
  mkdir -p "$scratch/files" "$scratch/same"
  printf %s "$text" >"$scratch/files/$1"
}

# Notes which of these files is as planned: NAMESPACE... (They are the same file in all, so that none needs to be read
# twice. Up adds the name of this machine, which may have another by now.)
know_files() {
  local file ns path text line wanted other
  for file in "$scratch/files/"*; do
    IFS= read -rd '' wanted <"$file" || true
    other=
    for ns; do
      path=/etc/netns/$ns/${file##*/}
      [[ -f $path && ! $path -ef $other ]] || continue
      IFS= read -rd '' text <"$path" || true
      line=${text%$'\n'} line=${line##*$'\n'}
      [[ $file != */hosts || ! $line =~ ^127\.0\.1\.1\ [A-Za-z0-9.-]+$ ]] || text=${text%"$line"$'\n'}
      if [[ $text == "$wanted" ]]; then ln -s "$path" "$scratch/same/" && break; fi
      other=$path
    done
  done
}

# --- all namespaces ---

# Whether the next namespace is this part's.
mine() { ((turn % CPUS == part)); }

# Tells routes of the next namespace, beside what it is given: HOP TARGET...
routes() {
  # shellcheck disable=SC2059 # (HOP has no %)
  printf "route %s $1\n" "${@:2}"
}

# Tells the plan of a namespace, which is the input.
compare() {
  local lines
  if mine; then
    IFS= read -rd '' lines || true
    printf '%snamespace %s\n' "$lines" "$1"
  fi
  turn=$((turn + 1))
}

# Compares those of this part, among mounts of its own, where /run/netns has another name too, and `few` is in memory, as
# files are made there by the thousand. (What is started there has the pipe open as 3, so that its end can be waited for.)
# shellcheck disable=SC2016 # Expanded by that shell.
ENTER='mount --rbind /run/netns "$SCRATCH/netns"; mount -n -t tmpfs tmpfs "$SCRATCH/few"; exec awk "$1" 3>&1'
compare_part() { PART=$part exec unshare --mount sh -c "$ENTER" sh "$COMPARE" < <(compare_each 2>/dev/null) 2>/dev/null; }

# Has all namespaces compared, and tells of them in their order: how many there are.
compare_all() {
  local fd number line lines
  SCRATCH=$scratch
  mkdir "$scratch/netns" "$scratch/few"
  printf %s "$QUESTIONS" >"$scratch/questions"
  printf %s "$ASKING" >"$scratch/asking"
  for ((part = 0; part < CPUS && part < $1; part++)); do
    exec {fd}< <(compare_part)
    pipes+=("$fd") started+=("$!")
  done
  for ((number = 0; number < $1; number++)); do
    lines=()
    while IFS= read -ru "${pipes[number % CPUS]}" line && [[ -n $line ]]; do lines+=("$line"); done
    ((${#lines[@]})) || bail_out "not all namespaces could be compared"
    tell "${lines[@]}"
  done
  started=() pipes=()
}

# Tells whether the lab is up, and of namespaces of its that are not in the plan: NAMESPACE...
compare_lab() {
  local claim=/run/mpc-$LAB told=() ns first
  local -A known=()
  for ns; do known[$ns]=1; done
  know_files "$@"
  if [[ ! -e $claim ]]; then
    told=("the lab is not up: there is no $claim")
  elif [[ $'\n'$(<"$claim")$'\n' != *$'\n'up$'\n'* ]]; then
    told=("an up of the lab is at work, or was cut short")
  fi
  for ns in /etc/netns/*; do
    first=
    { read -r first <"$ns/hosts"; } 2>/dev/null || true
    ns=${ns##*/}
    [[ $first != "# $MARK" || -n ${known[$ns]:-} ]] || told+=("unexpected: the namespace $ns")
  done
  tell "$((${#told[@]} == 0))" "the lab $LAB is up" "${told[@]}"
}
