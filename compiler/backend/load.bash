# Loads a module, where modules can be loaded.
load() { ! type -P modprobe >/dev/null || modprobe --quiet "$@" 2>/dev/null || true; }
