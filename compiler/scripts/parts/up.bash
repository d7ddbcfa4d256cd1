# === what up tests, claims and takes back =====================================
TESTS_ONLY=
# Where captures are written, and under which names.
PCAPS+=()
CAPTURES=.
missing=()
parts=()
# In a batch, ip(8) keeps a file open for each namespace that a link is made in.
ulimit -Sn "$(ulimit -Hn)"

while (($#)); do
  case $1 in
    --preflight) TESTS_ONLY=$1 ;;
    --captures)
      ((${#PCAPS[@]})) || misuse "the lab has no captures"
      [[ -n ${2:-} ]] || misuse "--captures takes a folder"
      CAPTURES=$2
      shift
      ;;
    *) misuse "no such option: $1" ;;
  esac
  shift
done

need_bash() { ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || missing+=("bash 4.4 or later"); }

# Notes a tool that is not there, and the package that has it.
need_tool() { type -P "$1" >/dev/null || missing+=("the command $1 (package $2)"); }

# Notes that this is not root.
need_root() { ((EUID == 0)) || missing+=("root: run this with sudo"); }

# Notes a folder where something is to be written, and cannot be; the first folder above it that is there counts.
need_folder() {
  local folder=$1
  until [[ -e $folder ]]; do folder=${folder%/*}; done
  ((EUID)) || [[ -w $folder ]] || missing+=("a folder $folder that can be written")
}

# Notes what the kernel, a tool or this root's rights lack, and what of COPIED the host has changed, by the tests of its
# input. They are run where nothing that they make stays or is seen: among mounts of their own, in an empty namespace.
need_features() {
  local found line
  ((EUID == 0)) && type -P unshare >/dev/null || return 0
  found=$(
    export -f need need_right need_sysctl each_copied
    exec unshare --net --mount bash -s "${COPIED[@]}" 2>/dev/null
  ) || found="the right to make namespaces (CAP_SYS_ADMIN), or room for them (user.max_net_namespaces)"
  [[ -z $found ]] || while read -r line; do
    if [[ $line == ipv*/* ]]; then copied+=("$line"); else missing+=("$line"); fi
  done <<<"$found"
}

# Prints a feature where the command that tests it fails. Where its tool is missing, that is said already.
need() { ! type -P "$2" >/dev/null || "${@:2}" </dev/null >/dev/null 2>&1 || printf '%s\n' "$1"; }

# Ends the tests where none could tell anything.
need_right() {
  ! type -P ip >/dev/null || ip link set dev lo up 2>/dev/null || {
    echo "the right to configure networks (CAP_NET_ADMIN)"
    exit 0
  }
}

# Prints a sysctl that this kernel does not have, or that cannot be set here.
need_sysctl() { [[ -w /proc/sys/${1//.//} ]] || printf 'the sysctl %s, to be set\n' "$1"; }

# What a new namespace copies from the host (devconf_inherit_init_net in the kernel's admin-guide/sysctl/net.rst; of
# neigh, always), where a changed one could keep a lab from working, each with the kernel's own value; of forwarding
# that of conf/all, as setting that to what it is reaches no interface.
COPIED=(
  'ipv4/conf/*/accept_local 0'
  'ipv4/conf/*/arp_accept 0'
  'ipv4/conf/*/arp_announce 0'
  'ipv4/conf/*/arp_filter 0'
  'ipv4/conf/*/arp_ignore 0'
  'ipv4/conf/*/drop_gratuitous_arp 0'
  'ipv4/conf/*/forwarding all'
  'ipv4/conf/*/ignore_routes_with_linkdown 0'
  'ipv4/conf/*/proxy_arp 0'
  'ipv4/conf/*/proxy_arp_pvlan 0'
  'ipv4/conf/*/route_localnet 0'
  'ipv4/conf/*/src_valid_mark 0'
  'ipv6/conf/*/addr_gen_mode 0'
  'ipv6/conf/*/drop_unsolicited_na 0'
  'ipv6/conf/*/hop_limit 64'
  'ipv6/conf/*/ignore_routes_with_linkdown 0'
  'ipv6/conf/*/proxy_ndp 0'
  'ipv[46]/neigh/*/app_solicit 0'
  'ipv[46]/neigh/*/base_reachable_time_ms 30000'
  'ipv[46]/neigh/*/delay_first_probe_time 5'
  'ipv[46]/neigh/*/mcast_solicit 3'
  'ipv[46]/neigh/*/retrans_time_ms 1000'
  'ipv[46]/neigh/*/ucast_solicit 3'
)
copied=()

# Sets those that the host has changed to the kernel's own values in all namespaces.
reset_copied() {
  local ns
  ((${#copied[@]})) || return 0
  for ns in "${NAMESPACES[@]}"; do
    (export -f each_copied && exec nsenter --net="/run/netns/$ns" bash -c 'each_copied set "$@"' reset "${copied[@]}")
  done
}

# Sets those named, or shows which have another value.
each_copied() {
  local what=$1 copy path value now
  set +f
  for copy in "${@:2}"; do
    for path in /proc/sys/net/${copy% *}; do
      value=${copy#* }
      [[ $value != all ]] || read -r value <"${path%/*/*}/all/${path##*/}"
      [[ -e $path ]] && read -r now <"$path" && [[ $now != "$value" ]] || continue
      [[ $what == set ]] || { printf '%s\n' "$copy"; break; }
      printf '%s\n' "$value" >"$path" || return
    done
  done
}

# Notes what has the name of one of the namespaces already. A folder that an up of this lab has left is no matter.
need_names() {
  local ns link
  for ns in "${NAMESPACES[@]}"; do
    if [[ -e /run/netns/$ns ]]; then
      link=$(exec nsenter --net="/run/netns/$ns" ip link show dev lo 2>/dev/null) || true
      missing+=("the name $ns: a namespace has it$(lab_of "${link##* alias }")")
    fi
    read_first "/etc/netns/$ns/hosts"
    [[ ! -e /etc/netns/$ns || $first == "# $MARK" ]] ||
      missing+=("the name $ns: the folder /etc/netns/$ns has it$(lab_of "${first#"# "}")")
  done
}

# Prints whose a mark is, and what is known of the up that made it.
lab_of() {
  local CLAIM=/run/mpc-${1#mpc:}
  [[ $1 == mpc:* ]] || return 0
  [[ $1 != "$MARK" ]] || { printf ', of this lab: run its down script first'; return; }
  printf ', of the lab %s' "${1#mpc:}"
  ! read_claim || printf ', up %s' "$(about)"
}

# Refuses where the lab is claimed, or another has the lock. What is known of that is read again when this has it.
refuse() {
  [[ -n $lock ]] || { exec {lock}<"$CLAIM"; } 2>/dev/null || true
  ! read_claim || ! noted up || die "the lab is up $(about): run its down script first"
  { [[ -n $lock ]] && flock -n "$lock" && current && read_claim; } || die "an up, a down or a play of this lab is at work"
  [[ -s $CLAIM ]] || { rm -f "$CLAIM"; die "an up or a down of this lab was at work: run this again"; }
  ! noted up || die "the lab is up $(about): run its down script first"
  die "an up of this lab was cut short, $(about): run its down script first"
}

# Says which command failed. (ip(8) makes a namespace or leaves nothing, so that one that is there is another's.)
failed() {
  say "failed: $1"
  [[ $1 != "ip netns add "* ]] || spare "${1##* }"
}

# Claims the lab's name, where nothing is missing and more than these tests is asked for.
claim() {
  if ((${#missing[@]})); then
    say "error: nothing was changed, as this machine lacks:"
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
  [[ -z $TESTS_ONLY ]] || { say "this machine has all that the lab needs"; exit 0; }
  trap '' HUP INT TERM
  open_claim
  { flock -n "$lock" && current && [[ ! -s $CLAIM ]]; } || refuse
  guard
  trap 'failed "$BASH_COMMAND"' ERR
  printf '%ssince %(%F %T %Z)T\n' "$ABOUT" -1 >>"$CLAIM"
  ((${#NAMESPACES[@]} == 0)) || printf 'namespace %s\n' "${NAMESPACES[@]}" >>"$CLAIM"
  ((${#CONTAINERS[@]} == 0)) || printf 'container %s\n' "${CONTAINERS[@]}" >>"$CLAIM"
  ((${#ATTACHED[@]} == 0)) || printf 'attached %s\n' "${ATTACHED[@]}" >>"$CLAIM"
  read_claim
}

note() {
  printf '%s\n' "$1" >>"$CLAIM"
  notes[$1]=1
}

# Notes which folders were not there before.
remember() {
  local folder
  for folder in /etc/netns /run/netns; do [[ -e $folder ]] || note "made $folder"; done
}

# Writes the files that ip-netns(8) shows programs in a namespace as those of /etc: a hosts file, which knows this machine
# by its own name too, unless that is a node's, and a resolv.conf without a server, so that other names fail at once.
# (Over a file that is not there, ip-netns(8) can put none, and says so at each call.) All namespaces have the same files,
# by hard links, as the names of all nodes in a file for each node would take much room.
# shellcheck disable=SC2016 # Expanded by that shell.
LINK='while read -r ns; do ln "$@" "/etc/netns/$ns/" || exit; done'
write_names() {
  local machine hosts=$1 folder=/etc/netns/${NAMESPACES[0]}
  local files=("$folder/hosts")
  read -r machine </proc/sys/kernel/hostname
  [[ ! $machine =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ || ${hosts,,} == *" ${machine,,}"$'\n'* ]] ||
    hosts+="127.0.1.1 $machine"$'\n'
  mkdir -p "${NAMESPACES[@]/#//etc/netns/}"
  printf %s "$hosts" >"${files[0]}"
  [[ ! -e /etc/resolv.conf ]] || { files+=("$folder/resolv.conf") && printf '# %s\n%s\n' "$MARK" "$2" >"${files[1]}"; }
  ((${#NAMESPACES[@]} == 1)) || printf '%s\n' "${NAMESPACES[@]:1}" | sh -c "$LINK" sh "${files[@]}"
}

# Waits until no part is at work. (A `wait` in a trap that has interrupted another may not see that a part has ended, and
# would last as long as what is captured.)
await_parts() {
  local pid
  for pid in "${parts[@]}"; do while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done; done
}

# Takes away what a failed up has made.
undo() {
  say "taking away what was made"
  dismiss "${parts[@]}" "${started[@]}"
  await_parts
  take_down "${NAMESPACES[@]}" || true
}

# Ends up. From here on a signal comes too late to take anything back.
complete() {
  trap '' HUP INT TERM
  ((${#NAMESPACES[@]} == 0)) || inodes "${NAMESPACES[@]}" >>"$CLAIM"
  note up
  trap - EXIT ERR
  say up
}
