# === what is asked in a namespace =============================================
# A shell that has entered one asks: NAMESPACE KINDS PROCESSES CONTAINERS SYSCTLS... KINDS are those of its interfaces that
# have more to tell, CONTAINERS are the PIDs of its own, and SYSCTLS are a directory below /proc/sys/net and files in it. Old
# programs do not know all of the questions.
IFS= read -rd '' QUESTIONS <<'QUESTIONS' || true
exec 2>/dev/null
ns=$1 kinds=" $2 " processes=$3 containers=$4
shift 4
facts() {
  exec ip -o -batch - <<"END"
link show
address show
route show table all
rule show
neighbour show nud permanent
neighbour show proxy
mptcp limits
mptcp endpoint show
END
}

# The rows of a file in /etc, if it is not one of which all is known already: NAME.
file() {
  file=/etc/netns/$ns/$1
  [ ! "$file" -ef "$SCRATCH/same/$1" ] || return
  if [ -f "$file" ]; then echo "file $1" && sed "s/^/row /" "$file"; else echo "none $1"; fi
}

# The exit status of a process that has ended: NAME.
process() {
  pid='' status='' signal=''
  read -r pid <"$RUNS/$1.pid"
  [ -z "$pid" ] || [ ! "/proc/$pid/ns/net" -ef "$SCRATCH/netns/$ns" ] || return
  read -r status <"$RUNS/$1.end"
  [ "${status:-0}" -le 128 ] || signal=$(kill -l "$((status - 128))")
  echo "$1 ${status:-unknown}${signal:+ (SIG$signal)}"
}

told=$(facts)
case $told in *" link-netnsid "*) mount --rbind "$SCRATCH/netns" /run/netns && told=$(facts) ;; esac
printf '%s\n' "$told" "about rules" || exit
ip -6 -o rule show
# (The directories of all namespaces have one parent, where the kernel goes through all of one name: of a thousand
# namespaces, that would be most of what this takes, so each is looked up once, and its files from there.)
for files; do
  echo "about sysctls ${files%% *}"
  cd "/proc/sys/net/${files%% *}" && grep -sH "" ${files#* }
done
cd /
echo "about iptables"
for file in /proc/net/*_tables_names; do
  while read -r table; do echo "${file#/proc/net/} $table"; done <"$file"
done
echo "about queues"
tc qdisc show
[ -z "$NFT" ] || { echo "about tables" && nft -st list ruleset; }
case $kinds in *" bridge "* | *" tunnel "* | *" bond "* | *" tag "* | *" vrf "*) echo "about kinds" && ip -d -o link show ;; esac
case $kinds in *" bridge "*) echo "about bridges" && bridge fdb show ;; esac
case $kinds in *" vlan "*) echo "about vlans" && bridge vlan show | sed 's/^[[:space:]]/+ /' ;; esac
case $kinds in *" device "*) echo "about devices" && ip -d -o link show ;; esac
echo "about files"
for file in "$SCRATCH/files/"*; do file "${file##*/}"; done
for file in "/etc/netns/$ns/"*; do [ ! -e "$file" ] || [ -e "$SCRATCH/files/${file##*/}" ] || echo "more $file"; done
echo "about processes"
for process in $processes; do process "$process"; done
echo "about containers"
for pid in $containers; do [ ! "/proc/$pid/ns/net" -ef "$SCRATCH/netns/$ns" ] || echo "$pid"; done
echo "about nothing"
QUESTIONS

# What another shell is told to do, which asks in some namespaces. For the names of those at the other ends of links,
# ip(8) opens all of /run/netns in each: with a thousand there that takes more than all else, so `show` has it see few.
IFS= read -rd '' ASKING <<'ASKING' || true
exec 2>/dev/null
show() { folder=$SCRATCH/few/$1 && shift && mkdir "$folder" && ln -s -t "$folder" "$@" && mount --bind "$folder" /run/netns; }
ask() {
  echo "namespace $1" || exit
  if [ -e "$SCRATCH/netns/$1" ]; then nsenter --net="$SCRATCH/netns/$1" sh "$SCRATCH/questions" "$@"; else echo "about absence"; fi
}
ASKING
