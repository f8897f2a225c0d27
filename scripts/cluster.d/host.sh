# shellcheck shell=bash
# What kind, podman and the nodes change on the host: written down before the first change, undone by `down`.
# The nodes are privileged containers, so systemd and kubelet in them set sysctls of the host's kernel.

# systemd as process 1 raises fs.*; kubelet wants the vm.* and kernel.* ones; the container network the net.* ones
HOST_SYSCTLS="fs.file-max fs.nr_open fs.inotify.max_user_instances fs.inotify.max_user_watches
  vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys
  kernel.keys.root_maxbytes net.ipv4.ip_forward net.ipv4.conf.all.forwarding net.ipv4.conf.default.forwarding
  net.ipv4.conf.all.route_localnet net.ipv6.conf.all.forwarding net.ipv6.conf.default.forwarding
  net.bridge.bridge-nf-call-iptables net.netfilter.nf_conntrack_max"
HOST_FOLDERS="/lib/modules /run/netns /var/lib/containers /run/containers /run/libpod /etc/containers/networks"

boot() { cat /proc/sys/kernel/random/boot_id; }
netns_bound() { grep -q ' /run/netns /run/netns ' /proc/self/mountinfo; }

record_host() {
  # after a restart of the machine there is nothing left to undo from before it
  [ -e "$CACHE/host.before" ] && grep -qx "boot $(boot)" "$CACHE/host.before" && return
  {
    echo "boot $(boot)"
    local name
    for name in $HOST_SYSCTLS; do
      [ ! -e "/proc/sys/${name//.//}" ] || echo "sysctl $name $(sysctl -n "$name")"
    done
    for name in $HOST_FOLDERS $(cgroup_parents); do [ -e "$name" ] || echo "folder $name"; done
    netns_bound || echo "netns-bind"
    chains_exist || echo "chains"
    "$ENGINE" network inspect "$NETWORK" > /dev/null 2>&1 || echo "network"
  } | write_file "$CACHE/host.before"
}

recorded() { grep -q "^$1\b" "$CACHE/host.before" 2> /dev/null; }

# `down` of the docker and podman roads: the network "kind", when nobody else's cluster is in it
forget_network() {
  recorded network && "$ENGINE" network rm "$NETWORK" > /dev/null 2>&1 || true
  rm -f "$CACHE/host.before"
}

# `down` of the built road
restore_host() {
  [ -e "$CACHE/host.before" ] || return 0
  if foreign_containers; then
    note "podman containers of somebody else run here: what they share with us (sysctls, firewall chains) stays"
  else
    remove_chains
    remove_cgroups
    restore_sysctls
    recorded netns-bind && while netns_bound; do umount -l /run/netns; done
  fi
  remove_store_mounts
  sed -n 's/^folder //p' "$CACHE/host.before" | while read -r folder; do remove_empty "$folder"; done
  rm -f "$CACHE/host.before"
}

restore_sysctls() {
  local name value
  while read -r _ name value; do
    [ "$(sysctl -n "$name" 2> /dev/null)" = "$value" ] || sysctl -qw "$name=$value" || note "$name could not be restored"
  done < <(grep '^sysctl ' "$CACHE/host.before")
}

# netavark makes one chain for each network (NETAVARK-<hash>); with ours gone, any left is of another podman
foreign_containers() {
  local tables
  tables=$(for i in iptables ip6tables; do $i -w -t nat -S 2> /dev/null || true; done)
  grep -q '^-N NETAVARK-[0-9A-F]\{10,\}' <<< "$tables"
}

chains_exist() { { iptables -w -S && iptables -w -t nat -S; } 2> /dev/null | grep '^-N NETAVARK' > /dev/null; }

# The chains that netavark makes once and never removes: first the jumps to them, then their rules, then they.
remove_chains() {
  recorded chains || return 0
  local program table
  for program in iptables ip6tables; do
    type -P "$program" > /dev/null || continue
    for table in filter nat; do
      edit_chains "$program" "$table" 's/^-A \(\(FORWARD\|INPUT\|OUTPUT\|PREROUTING\|POSTROUTING\) .*-j NETAVARK.*\)/-D \1/p'
      edit_chains "$program" "$table" 's/^-N \(NETAVARK.*\)/-F \1/p'
      edit_chains "$program" "$table" 's/^-N \(NETAVARK.*\)/-X \1/p'
    done
  done
  type -P nft > /dev/null && nft delete table inet netavark 2> /dev/null || true # newer netavark uses nftables
}

edit_chains() { # PROGRAM TABLE SED : xargs, because the rules that are printed have quoted words
  "$1" -w -t "$2" -S 2> /dev/null | sed -n "$3" | xargs -r -L1 "$1" -w -t "$2" || true
}

cgroup_parents() { # with cgroup v2, and with v1 (one for each controller)
  echo /sys/fs/cgroup/libpod_parent
  local controller
  for controller in /sys/fs/cgroup/*/; do echo "${controller}libpod_parent"; done
}

remove_cgroups() {
  local parent
  for parent in $(cgroup_parents); do
    grep -qx "folder $parent" "$CACHE/host.before" && [ -d "$parent" ] || continue
    find "$parent" -depth -type d -exec rmdir {} + 2> /dev/null || true
  done
}

# podman keeps its store mounted on itself, and its run folder, after the last container
remove_store_mounts() {
  local mount
  while read -r mount; do
    umount -l "$mount" 2> /dev/null || true
  done < <(awk -v a="$CACHE/podman/" -v b="$RUNROOT/" 'index($5, a) == 1 || index($5, b) == 1 {print $5}' \
    /proc/self/mountinfo | sort -r)
  rm -rf --one-file-system "$RUNROOT"
}

remove_empty() {
  [ -d "$1" ] || return 0
  find "$1" -xdev -depth -type d -empty -delete 2> /dev/null || true
}
