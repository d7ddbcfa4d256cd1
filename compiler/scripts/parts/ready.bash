# === what is started becomes ready ============================================

# Waits half a minute at most until a command succeeds. Meanwhile another is asked each second whether that can
# still be: ASK NAME COMMAND...
await_ready() {
  local began=$SECONDS now=$SECONDS said=$SECONDS
  until "${@:3}" >/dev/null 2>&1 </dev/null {lock}>&-; do
    ((SECONDS < began + 30)) || return 1
    ((SECONDS == now)) || "$1" "$2"
    now=$SECONDS
    ((now < said + 5)) || {
      say "waiting for $2 to be ready"
      said=$now
    }
    sleep 0.1
  done
}
