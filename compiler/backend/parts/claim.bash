# === the claim ================================================================
# A file that up, down and play lock while they are at work, as do their children. It has a note a line:
# `made FOLDER` for what was not there before the lab, and `up` at the end of up.
CLAIM=/run/mpc-$LAB

noted() { [[ -e $CLAIM && $'\n'$(<"$CLAIM")$'\n' == *$'\n'"$1"$'\n'* ]]; }
