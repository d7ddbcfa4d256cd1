#!/bin/bash
# Stands for every tool that a script calls: records the arguments and the input of the call, and changes nothing
# but what a script looks at again: files below /run and /etc.
tool=${0##*/}
call=$RECORDS/$$.$tool
printf '%s\0' "$tool" "$@" >"$call.call"

# Only what is told to reads its input; the rest shares it with the script that it may be.
case "$tool ${*: -1}" in
  *" -") input=/dev/stdin ;;
  *) input='' ;;
esac
[[ $tool-${1:-} != sh--s ]] || input=/dev/stdin
if [[ $input ]]; then
  /bin/cat <"$input" >"$call.input"
  exec <"$call.input"
fi

# Does what a wrapper wraps, after its options.
wrapped() {
  while [[ $1 == -* ]]; do shift; done
  exec "$@"
}

# Keeps the names of namespaces as ip-netns(8) does, by its arguments or by the lines of a batch. (The preflight
# adds `p` among mounts of its own, where nobody else sees it.)
namespaces() {
  while read -r object verb name _; do
    case $object-$verb in
      netns-add | netns-attach) [[ $name == p ]] || { /bin/mkdir -p /run/netns && : >"/run/netns/$name"; } ;;
      netns-del) /bin/rm "/run/netns/$name" ;;
    esac
  done
}

# Lets time pass, in the clock that scripts read: SECONDS.
pass() {
  local now rest
  read -r now rest <"$RECORDS/uptime"
  now=$((10#${now/./} + 10#$(printf %.2f "$1" | /bin/tr -d .)))
  echo "${now%??}.${now: -2} $rest" >"$RECORDS/uptime"
}

# Shows a queueing discipline for each time that a check asks for one.
show() {
  local line
  while read -r line; do
    [[ $line != "qdisc show" ]] || echo "qdisc tbf 1: dev lo root rate 1Mbit"
  done
}

# Shows a bridge and its port for each time that a check asks for them.
show_bridges() {
  local line
  while read -r line; do
    [[ $line != "link show" ]] || printf '%s\n' '1: b: <UP> \    bridge forward_delay 1 bridge_id 2' '2: p: <UP> \    bridge_slave cost 2'
  done
}

# Whether a call runs or asks for what a lab says, which may be anything: it is not run.
is_users() {
  # shellcheck disable=SC2016 # the text of a command
  case "$*" in
    "ip netns exec "*" bash -c -- "* | "bash -n -c -- "* | 'bash -c type -P -- "$1" bash '*) ;;
    *) return 1 ;;
  esac
}

! is_users "$tool" "$@" || exit 0

case $tool in
  unshare | nsenter) wrapped "$@" ;;
  bash | flock | ln | mkdir | rm | rmdir | stat) exec "/bin/$tool" "$@" ;;
  sh)
    [[ $input ]] || exec /bin/sh "$@"
    /bin/sed '/^put() {$/,/^}$/c put() { :; }' "$call.input" >"$call.put"
    exec /bin/sh "$@" <"$call.put"
    ;;
  nproc) echo 2 ;;
  ping) exit 1 ;;
  mptcpize) [[ $* != "run env" ]] || echo LD_PRELOAD=/bin/sh ;;
  mount) [[ $1 != --rbind ]] || { /bin/rmdir "$3" && /bin/ln -s "$2" "$3"; } 2>/dev/null ;;
  awk) exec "$RECORDS/awk" "$@" ;;
  cat | date | grep | mktemp | sort) exec "/bin/$tool" "$@" ;;
  sleep) pass "$1" ;;
  tc) [[ $* != "-batch -" ]] || show ;;
  setsid)
    [[ $1 == ip ]] || set -- - - "$@"
    echo "$$" >"$9.pid"
    [[ $* != *" tcpdump "* ]] || echo "listening on an interface"
    ;;
  ss) [[ $* != "-Hltn "* ]] || echo LISTEN ;;
  timeout) shift 3 && exec "$@" ;;
  podman | docker)
    [[ "$1 $2" != "context inspect" ]] || echo unix:///run/docker.sock
    [[ "$1 $2" != "container inspect" ]] || for name in "${@:5}"; do
      case $4 in
        *.Running*) echo "true $$" ;;
        *"}}|{{"*) echo "$name|$$|0|${RECORDED_MARK#mpc:}|x|y" ;;
        *" "*) echo "$name $$ 0" ;;
        *) echo "$$" ;;
      esac
    done
    ;;
  ip)
    case "$1 $2 $*" in
      "netns exec "*) shift 3 && exec "$@" ;;
      "netns identify "*) /bin/ls /run/netns ;;
      "link show "* | *" link show dev lo") echo "    alias $RECORDED_MARK" ;;
      *"-o link show") printf '%s: teql%s: <NOARP> mtu 1500\n' 1 0 2 1 3 2 4 3 5 4 6 5 7 6 8 7 ;;
      *"-d -o -batch -") show_bridges ;;
      *"-batch "*) namespaces ;;
      *) echo "$*" | namespaces ;;
    esac
    ;;
esac
