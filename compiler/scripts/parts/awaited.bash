# Prints words as one would write them for bash, those that need it in quotes.
quoted() {
  local one list=()
  for one in "$@"; do
    [[ $one =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || one=${one@Q}
    list+=("$one")
  done
  echo "${list[*]}"
}

# Whether something listens at a TCP port of a namespace: NAMESPACE PORT.
listens() { [[ -n $(nsenter --net="/run/netns/$1" ss -Hltn sport = ":$2") ]]; }
