# shellcheck shell=bash
# Which container engine, and where its node image comes from. Three roads:
#   docker   docker and the node image that was published for this kind release
#   podman   the machine's own podman, the same image
#   built    nothing can be pulled: podman with a store of our own, and a node image built here (node-image.sh)
# The road is written down before anything is made, so that `down` undoes the right one. FLJOB_ROAD chooses by hand.

choose_road() {
  local road=${FLJOB_ROAD:-}
  if [ -s "$RUN/road" ]; then
    road=$(< "$RUN/road")
  elif [ -z "$road" ]; then
    road=$(best_road)
  fi
  use_road "$road"
}

best_road() {
  local engine
  for engine in docker podman; do
    if usable "$engine" && can_have_image "$engine"; then
      echo "$engine"
      return
    fi
  done
  echo built
}

usable() { type -P "$1" > /dev/null && timeout 20 "$1" info > /dev/null 2>&1; }

can_have_image() { # ENGINE : is it here already, or does the registry of published images answer?
  "$1" image inspect "$KIND_NODE_IMAGE" > /dev/null 2>&1 || online https://registry-1.docker.io/v2/
}

use_road() {
  ROAD=$1 NETWORK=kind
  case $ROAD in
    docker) ENGINE=docker ;;
    podman) ENGINE=podman ;;
    built) ENGINE=podman && private_podman ;;
    *) die "FLJOB_ROAD=$ROAD: one of docker, podman, built is possible" ;;
  esac
  export KIND_EXPERIMENTAL_PROVIDER=$ENGINE
}

# The built road must not read or change the machine's podman: own configuration, own store, own networks.
private_podman() {
  # netavark keeps the name server's table of a network under the network's name in a folder that all podmans of the
  # machine share: two networks called "kind" overwrite each other's nodes ("lookup ...-control-plane: no such host")
  NETWORK=kind-$CLUSTER
  export KIND_EXPERIMENTAL_PODMAN_NETWORK=$NETWORK
  RUNROOT=/run/fljob-$(cksum <<< "$CACHE" | cut -d' ' -f1)
  export CONTAINERS_CONF=$CACHE/podman/containers.conf CONTAINERS_STORAGE_CONF=$CACHE/podman/storage.conf
  mkdir -p "$CACHE/podman/networks"
  write_file "$CONTAINERS_CONF" << END
[containers]
# the defaults (1048576, unlimited) are above what a container without CAP_SYS_RESOURCE may ask for
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
pids_limit = 0
[engine]
runtime = "runc"            # crun refuses hosts with both cgroup versions mounted
cgroup_manager = "cgroupfs" # no systemd to ask
events_logger = "file"      # no journald to write to
lock_type = "file"          # the default, /dev/shm/libpod_lock, is shared with the machine's own podman
stop_timeout = 2
tmp_dir = "$RUNROOT/libpod"
[network]
network_config_dir = "$CACHE/podman/networks"
END
  write_file "$CONTAINERS_STORAGE_CONF" << END
[storage]
driver = "overlay"
graphroot = "$CACHE/podman/storage"
runroot = "$RUNROOT/storage"
END
}

# ---- packages ----

PACKAGES="podman mmdebstrap runc netavark aardvark-dns iptables iproute2 procps util-linux curl"

need_packages() {
  [ "$ROAD" = built ] || return 0
  [ "$(id -u)" = 0 ] || die "no image can be pulled here, and podman needs root to run the nodes; run as root"
  install_packages "$PACKAGES" "no image can be pulled here; install docker, or podman"
}

# package_files NAME... : unpacked below $CACHE/packages, not installed. Installing docker-registry or containerd would
# start their services on the machine.
package_files() {
  local name dir
  for name; do
    dir=$CACHE/packages/$name
    [ -d "$dir" ] && continue
    note "$name: fetching the Debian package (unpacked in the cache, not installed)"
    mkdir -p "$TMP/deb.$name" "$CACHE/packages"
    (cd "$TMP/deb.$name" && fetch_package "$name" && dpkg-deb -x ./*.deb files && mv files "$dir")
  done
}

fetch_package() { # without `apt-get update` since the machine was made, the lists are missing or old: try, then update
  apt-get -o APT::Sandbox::User=root download -q "$1" > "$CACHE/log/apt.log" 2>&1 && return
  watched "apt-get update" "$CACHE/log/apt.log" apt-get update -q
  watched "apt-get download $1" "$CACHE/log/apt.log" apt-get -o APT::Sandbox::User=root download -q "$1"
}
