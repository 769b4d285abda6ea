#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build the interfaces of a small Linux machine in a network namespace of its own and run a command
# there. Nothing outside the namespace can be reached, and no privileges are needed outside it:
#   unshare --map-root-user --net --uts sh lab.sh server|router COMMAND...
# Needs iproute2 and, for the router, the right to open /dev/net/tun. All addresses are from ranges
# set aside for benchmarks and documentation.
set -eu
layout=$1
shift
hostname "$layout"
# No automatic link-local addresses: they repeat the MAC, which differs at each run.
echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode
ip link set lo up

# cable NAME MAC: an interface whose other end is plugged into a second namespace.
far=$(mktemp)
unshare --net sh -c 'echo $$ >"$0"; exec sleep 600' "$far" &
trap 'kill "$(cat "$far")"; rm -f "$far"' EXIT
while [ ! -s "$far" ]; do sleep 0.1; done
cable() {
    ip link add "$1" address "$2" type veth peer name "far-$1" netns "$(cat "$far")"
    nsenter --net="/proc/$(cat "$far")/ns/net" ip link set "far-$1" up
    ip link set "$1" up
}

cable eth0 02:00:5e:10:00:01
cable eth1 02:00:5e:10:00:02
if [ "$layout" = router ]; then
    cable eth2 02:00:5e:10:00:03
    ip tuntap add dev eth3 mode tap # admin up, no carrier: nobody holds the other end
    ip link set eth3 address 02:00:5e:10:00:04 mtu 9000 up
    ip link add eth4 address 02:00:5e:10:00:05 type ifb # stays admin down
    ip link add br0 address 02:00:5e:10:00:10 type bridge
    ip link set eth2 master br0
    ip link set br0 up
    ip tuntap add dev tun0 mode tun
    ip link set tun0 up
    ip addr add 203.0.113.1/26 dev br0
    ip addr add 203.0.113.129/30 dev eth1
fi
ip addr add 198.18.0.10/16 dev eth0
ip addr add 2001:db8:10::10/64 dev eth0 nodad
ip neigh add 198.18.0.1 lladdr 02:00:5e:10:00:fe dev eth0 nud permanent
ip route add default via 198.18.0.1 dev eth0

"$@"
