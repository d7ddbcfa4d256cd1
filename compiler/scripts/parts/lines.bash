# === lines of many words ======================================================
# Calls a tool for each line of a file: of more than 511 words, `ip -batch` takes none.
IFS= read -rd '' EACH <<'LINES' || true
lines() {
  row=0
  while read -r words; do
    row=$((row + 1))
    [ -z "$words" ] || "$1" $words || { echo "Command failed $2:$row"; exit 1; }
  done <"$2"
}
LINES
PUT+=$EACH
