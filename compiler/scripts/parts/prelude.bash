# === what up and down share ===================================================
# Into how many parts work is divided that is done side by side. (Each part reads all of it, so more make it slower.)
CPUS=$(nproc 2>/dev/null || echo 2)
((CPUS <= 16)) || CPUS=16
RUNS=$CLAIM.d
MARK=mpc:$LAB
# The files that up makes in the folder of a namespace.
KEPT=(hosts resolv.conf)
declare -A listed=()
for ns in "${NAMESPACES[@]}"; do listed[$ns]=1; done

# What is known of the up that the notes are of.
about() {
  local plan=another
  [[ $ABOUT != *"plan ${notes[plan]:-}"$'\n'* ]] || plan="the same"
  echo "since ${notes[since]:-a time unknown}, from ${notes[source]:-a file unknown}, $plan plan"
}

# Whether an up has claimed the lab and has not come to its end.
unfinished() { ((${#notes[@]})) && ! noted up; }

# Notes a namespace that somebody else made while up was at work.
foreign=
spare() { foreign=$1; }

# Whether a namespace is this lab's: it has our mark, or the up that claimed the lab names it and either has not come to
# marking it, or only its name is left of it by a down that was cut short. (That of a container has no mark.)
owned() {
  local link='' kind=''
  [[ $1 != "$foreign" ]] || return 1
  ! noted "attached $1" || [[ ! -e $RUNS/$1.undo ]] || return 0
  link=$(exec nsenter --net="/run/netns/$1" ip link show dev lo 2>/dev/null) || ! noted "namespace $1" ||
    kind=$(stat -fc %T "/run/netns/$1" 2>/dev/null) || true
  if [[ $link == *alias* ]]; then
    [[ $link$'\n' == *"alias $MARK"$'\n'* ]]
  else
    noted "namespace $1" && { unfinished || [[ -n $kind && $kind != nsfs ]]; }
  fi
}

# Sets `first` to the first line of a file.
first=
read_first() {
  first=
  [[ ! -f $1 ]] || read -r first <"$1" || true
} 2>/dev/null

# Prints those of some names that namespaces of this lab have, a line each, with `own` before it, and those of its list
# that others have, with `other`. Those that are as up has noted at its end are the lab's. Others are tested side by side,
# in a part for each processor; but not those that are another lab's by their hosts file, as that takes starting a program.
sort_out() {
  local part number ns line
  local -A known=()
  while IFS= read -r line; do
    noted "$line" || continue
    line=${line#inode /run/netns/}
    known[${line%% *}]=1
    echo "own ${line%% *}"
  done < <(inodes "$@" 2>/dev/null)
  for ((part = 1; part <= CPUS; part++)); do
    for ((number = part; number <= $#; number += CPUS)); do
      ns=${!number}
      [[ -z ${known[$ns]:-} && -e /run/netns/$ns ]] || continue
      read_first "/etc/netns/$ns/hosts"
      [[ -n ${listed[$ns]:-} || $first == "# $MARK" || $first != "# mpc:"* ]] || continue
      { owned "$ns" && echo "own $ns"; } || [[ -z ${listed[$ns]:-} ]] || echo "other $ns"
    done &
  done
  wait
}

# Prints in which namespace each process is: INODE FILE. Where its first thread has ended, which stat(1) complains of, the
# others tell.
whereabouts() {
  local complaint complaints others=()
  { complaints=$(exec stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>&1 >&3 3>&-) || true; } 3>&1
  while IFS= read -r complaint; do
    [[ ! $complaint =~ /proc/[0-9]+ ]] || others+=("${BASH_REMATCH[0]}"/task/[0-9]*/ns/net)
  done <<<"$complaints"
  ((${#others[@]} == 0)) || stat -Lc '%i %n' "${others[@]}" 2>/dev/null || true
}

# Prints the processes in some namespaces, a PID a line; of one that is that of a container, those of the lab.
residents() {
  local inode path pid ns
  local -A inside=() seen=()
  while read -r inode path; do inside[$inode]=${path##*/}; done < <(stat -Lc '%i %n' "${@/#//run/netns/}")
  while read -r inode path; do
    path=${path#/proc/} path=${path%/ns/net} pid=${path%%/*} ns=${inside[$inode]:-}
    [[ -n $ns && -z ${seen[$pid]:-} ]] || continue
    ! noted "attached $ns" || is_started "$ns" "$path" || continue
    printf '%s\n' "$pid"
    seen[$pid]=1
  done < <(whereabouts)
}

# Says of some processes what they are, of five at most.
say_processes() {
  local pid name told='' more=''
  for pid in "${@:2:5}"; do
    name=
    { read -r name <"/proc/$pid/comm"; } 2>/dev/null || true
    told+=" $pid ($name)"
  done
  (($# <= 6)) || more=" and $(($# - 6)) more"
  say "$1:$told$more"
}

# Ends the processes in some namespaces: asks, waits up to 5 seconds, then kills, also those that have been started since.
end_processes() {
  local signal try pids
  for signal in TERM KILL; do
    for try in {1..50}; do
      mapfile -t pids < <(residents "$@")
      ((${#pids[@]})) || return 0
      [[ $signal == TERM && $try != 1 ]] || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
      [[ $try != 10 ]] || say_processes "waiting for processes that have got SIG$signal" "${pids[@]}"
      sleep 0.1
    done
  done
  say_processes "these processes do not end" "${pids[@]}"
  return 1
}

# Takes away the lab's files in the folders of some names, and the folders where nothing else is. A file is the lab's by
# its first line, or by its name where the namespace is one of `ours`: programs in the lab may have written to it.
remove_names() {
  local ns folder file own other files=() folders=() left=0
  for ns; do
    folder=/etc/netns/$ns own=${ours[$ns]:-} other=
    [[ -d $folder ]] || continue
    for file in "$folder"/*; do
      [[ -e $file ]] || continue
      read_first "$file"
      if [[ $first == "# $MARK" || (-n ${ours[$ns]:-} && " ${KEPT[*]} " == *" ${file##*/} "*) ]]; then
        files+=("$file") own=1
      else
        other=1
      fi
    done
    if [[ -n $own && -z $other ]]; then
      folders+=("$folder")
    elif [[ -n $own || -n ${listed[$ns]:-} ]]; then
      say "left $folder alone: this lab did not make all of it"
      left=1
    fi
  done
  ((${#files[@]} == 0)) || rm -f "${files[@]}" || left=1
  ((${#folders[@]} == 0)) || rmdir "${folders[@]}" || left=1
  return "$left"
}

# Prints the files of captures, a line each.
captures() {
  local one found=()
  for one in "${!notes[@]}"; do
    [[ $one != "capture "* ]] || ! noted "$one" || found+=("${one#capture }")
  done
  ((${#found[@]} == 0)) || printf '%s\n' "${found[@]}" | sort
}

# Has captures of a lab that is up write what came by now, which the kernel hands over in blocks, after a second at most.
await_captures() { [[ -z $(captures) ]] || ! noted up || sleep 1.2; }

# Says what has been captured, and what of it lacks packets. What an up has captured that did not come to its end is taken
# away.
end_captures() {
  local file log name folder=
  while IFS= read -r file; do
    unfinished && { rm -f "$file" || return; } && continue
    name=${file##*/} name=${name#"$LAB."} name=${name%.pcap} log='' folder=${file%/*}
    name=${name%%.*}:${name#*.}
    [[ ! -e $RUNS/$name.log ]] || log=$(<"$RUNS/$name.log")
    if [[ $log == *": write error: "* || ! $log =~ ([0-9]+)\ packets?\ dropped\ by\ kernel ]]; then
      say "warning: the capture of $name has ended early:"$'\n'"$log"
    elif ((BASH_REMATCH[1])); then
      say "warning: the capture of $name lacks ${BASH_REMATCH[1]} packets, which came faster than they were written"
    fi
  done < <(captures)
  [[ -z $folder ]] || say "captures are in $folder/"
}

# Takes away the folder of what ran in the lab. (Of an up that did not note its plan, nothing more is known.)
remove_runs() {
  [[ -e $RUNS ]] || return 0
  if noted "made $RUNS" || { ((${#notes[@]})) && ! noted plan; }; then
    rm -r "$RUNS"
  else
    say "left $RUNS alone: this lab did not make it"
    return 1
  fi
}

# Has another lab that uses a folder take it away in its turn. Its claim may be gone meanwhile, and is not made again.
hand_over() {
  local other claim
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other ]] || continue
    { exec {claim}<"$other"; } 2>/dev/null || continue
    echo "made $1" >>"/proc/self/fd/$claim"
    [[ ! $other -ef /proc/self/fd/$claim ]] || return 0
  done
}

# Takes away the claim, and what was not there before this lab: where another lab uses that, it is told to.
remove_claim() {
  local folder
  [[ -e $CLAIM ]] || return 0
  read_claim
  for folder in /etc/netns /run/netns; do
    noted "made $folder" && [[ -e $folder ]] || continue
    if compgen -G "$folder/*" >/dev/null; then
      hand_over "$folder"
    else
      umount -n "$folder" 2>/dev/null || true
      rmdir "$folder" || return
    fi
  done
  leave_slots
  rm -f "$CLAIM"
}

# Links to other machines, a row for each namespace that has some: NAMESPACE INTERFACE...
WIRES+=()

# Deletes those of some namespaces where a connection was cut: NAMESPACE... It keeps its namespace for up to three minutes,
# and with that these links, whose numbers would be taken until then. (All else goes with the namespace.)
cut_wires() {
  local row words
  for row in "${WIRES[@]}"; do
    read -ra words <<<"$row"
    [[ " $* " == *" ${words[0]} "* ]] || continue
    [[ -n $(exec nsenter --net="/run/netns/${words[0]}" ss -HatM exclude time-wait 2>&1) ]] || continue
    printf 'link del dev %s\n' "${words[@]:1}" | nsenter --net="/run/netns/${words[0]}" ip -force -batch - || true
  done
} 2>/dev/null

# Takes away all of some names that is this lab's, and nothing else; fails where something was left, and keeps what the
# claim says.
take_down() {
  local whose ns left=0 own=() more=() stays=()
  local -A ours=()
  remove_containers || left=1
  # (An up without an uplink has nothing for it.)
  ! declare -F leave_uplink >/dev/null || leave_uplink || left=1
  for ns; do ! noted "namespace $ns" || ours[$ns]=1; done
  while read -r whose ns; do
    if [[ $whose == own ]]; then
      own+=("$ns") ours[$ns]=1
      [[ -n ${listed[$ns]:-} ]] || more+=("$ns")
    else
      say "left the namespace $ns alone: this lab did not make it"
      left=1
    fi
  done < <(sort_out "$@")
  ((${#more[@]} == 0 || ${#listed[@]} == 0)) || say "takes away what this script does not name, of the up $(about): ${more[*]}"
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    give_back "${own[@]}" || left=1
    for ns in "${own[@]}"; do ! noted "attached $ns" || release "$ns" || stays+=("$ns"); done
    ((${#stays[@]} == 0)) || left=1
    cut_wires "${own[@]}"
    for ns in "${own[@]}"; do
      [[ " ${stays[*]} " == *" $ns "* ]] || echo "netns del $ns"
    done | ip -force -batch - || left=1
  else
    give_back || left=1
  fi
  remove_names "$@" || left=1
  end_captures || left=1
  # (How what is added to a namespace goes stands in this folder.)
  ((${#stays[@]})) || remove_runs || left=1
  ((left && ${#notes[@]})) || remove_claim || left=1
  return "$left"
}
