# This machine's programs and their libraries, for the anchors of docker, whose images may have none.
BASE=()
for at in /lib /lib64 /usr; do [[ ! -e $at ]] || BASE+=(--mount "type=bind,src=$at,dst=$at,readonly"); done
