# === what a result is of ======================================================
# The lab, the plans of this script and of the up, the params, the kernel, the tools, and when: `NAME VALUE`.
named=()
# The versions of tools: `NAME VERSION`.
versions=()
time=

# Sets `time` to the date and the time of day, in UTC.
set_time() { TZ=UTC0 printf -v time '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# Sets `version` to the first number with a dot that a tool tells of itself, and to `unknown` where there is none.
version=
read_version() {
  local told word
  version=unknown
  told=$("$@" 2>/dev/null </dev/null) || true
  for word in ${told//[!0-9.]/ }; do [[ $word != [0-9]*.[0-9]* ]] || { version=$word && return; }; done
}

# Notes all that.
name_all() {
  local kernel line plan up=unknown
  read -r kernel </proc/sys/kernel/osrelease
  { while read -r line; do [[ $line != "plan "* ]] || up=${line#plan }; done <"/run/mpc-$LAB"; } 2>/dev/null || true
  versions=("bash ${BASH_VERSION%%(*}")
  read_version ip -V && versions+=("iproute2 $version")
  ! type -P iperf3 >/dev/null || { read_version iperf3 --version && versions+=("iperf3 $version"); }
  set_time
  mapfile -t named <<<"${RESULT%$'\n'}"
  plan=${named[1]#plan }
  named=("lab $LAB" "${named[@]}" "up $up" "kernel $kernel" "began $time")
  [[ $up == "$plan" || $up == unknown ]] || say "warning: what is up has the plan $up, and this script is of $plan"
}
