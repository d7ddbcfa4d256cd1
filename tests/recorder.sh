#!/bin/bash
# Stands for every tool that a script calls: records the arguments and the input of the call, and changes nothing
# but what a script looks at again: files below /run and /etc.
tool=${0##*/}
call=$RECORDS/$$.$tool
printf '%s\0' "$tool" "$@" >"$call.call"

# Only what is told to reads its input; the rest shares it with the script that it may be.
case "$tool ${*: -1}" in
  *" -") input=/dev/stdin ;;
  ip" "/dev/fd/? | tc" "/dev/fd/? | nft" "/dev/fd/?) input=${*: -1} ;;
  "sh "*"put /dev/fd/3"*) input=/dev/fd/3 ;;
  *) input='' ;;
esac
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
      netns-add) [[ $name == p ]] || { /bin/mkdir -p /run/netns && : >"/run/netns/$name"; } ;;
      netns-del) /bin/rm "/run/netns/$name" ;;
    esac
  done
}

case $tool in
  unshare | nsenter) wrapped "$@" ;;
  bash | flock | mkdir | rm | rmdir | stat) exec "/bin/$tool" "$@" ;;
  sh) [[ $2 == "echo "* ]] || exec /bin/sh -c "put() { :; }; ${2#*$'\n}\n'}" ;;
  nproc) echo 2 ;;
  ip)
    case "$1 $2 $*" in
      "netns exec "*) shift 3 && exec "$@" ;;
      "link show "*) echo "    alias $RECORDED_MARK" ;;
      *"-batch "*) namespaces ;;
      *) echo "$*" | namespaces ;;
    esac
    ;;
esac
