# Loads a module, where modules can be loaded.
load() { ! type -P modprobe >/dev/null || modprobe -q "$@" 2>/dev/null || true; }
