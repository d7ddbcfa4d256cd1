# The library by which mptcpize(8) has programs open MPTCP connections where they ask for TCP.
WRAPPER=$(mptcpize run env | grep ^LD_PRELOAD=)
WRAPPER=(--volume "${WRAPPER#*=}:/libmptcpwrap.so:ro" --env LD_PRELOAD=/libmptcpwrap.so)
