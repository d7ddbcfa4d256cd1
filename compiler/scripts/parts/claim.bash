# === the claim ================================================================
# A file that up, down and play lock while they are at work, as do their children. Who has the lock looks whether the
# file is still there, and nobody else makes or takes away anything of the lab. Where no up has claimed the lab, the
# file is empty or not there. Otherwise it has a note a line: what ABOUT says of the up, `since TIME`,
# `namespace NAME` and `container ENGINE:NAME` for each that it makes, `attached NAME` of a namespace that is that of a
# container, `capture FILE`, `made FOLDER` for what was not there before, `slot` and `module` for teql devices, and at its
# end `inode FILE NUMBER TIME` of each namespace, and `up`.
CLAIM=/run/mpc-$LAB
lock=
declare -A notes=()

# Opens the claim to lock it, and makes it where there is none.
open_claim() { { exec {lock}>>"$CLAIM"; } 2>/dev/null || die "cannot make $CLAIM"; }

# Whether what was locked is still the claim.
current() { [[ $CLAIM -ef /proc/self/fd/$lock ]]; }

# Reads the notes: each, and by its first word what follows.
read_claim() {
  local line
  notes=()
  while IFS= read -r line; do
    [[ -z $line ]] || { notes[$line]=1 && notes[${line%% *}]=${line#* }; }
  done 2>/dev/null <"$CLAIM"
}

# Prints a line of each of some namespaces that are there, by which one is known again: a number that no other has now,
# and the time from which on it had it.
inodes() { TZ=UTC0 stat -Lc 'inode %n %i %z' "${@/#//run/netns/}"; }

noted() { [[ -n ${notes[$1]:-} ]]; }
