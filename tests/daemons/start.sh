# What a container of an FRR image runs: zebra and ospfd, with a configuration made of its interfaces.
install -d -o frr -g frr /tmp/frr
for i in $(ls /sys/class/net); do
  printf 'interface %s\n ip ospf area 0\n ip ospf network point-to-point\n ip ospf retransmit-interval 1\n' "$i"
  printf ' ip ospf dead-interval minimal hello-multiplier 4\n'
done >/tmp/frr/ospfd.conf
printf 'router ospf\n redistribute kernel\n timers throttle spf 10 50 1000\n timers throttle lsa all 0\n timers lsa min-arrival 10\n' >>/tmp/frr/ospfd.conf
/usr/lib/frr/zebra --vty_socket /tmp/frr -z /tmp/frr/zserv.api -i /tmp/frr/zebra.pid -f /dev/null &
until [ -S /tmp/frr/zserv.api ]; do sleep 0.1; done
exec /usr/lib/frr/ospfd --vty_socket /tmp/frr -z /tmp/frr/zserv.api -i /tmp/frr/ospfd.pid -f /tmp/frr/ospfd.conf
