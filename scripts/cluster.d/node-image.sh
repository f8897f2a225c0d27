# shellcheck shell=bash
# The node image of the built road: Debian packages, kind's own node files (they are in its Go module), the Kubernetes
# binaries, and the control plane's images loaded into its containerd beforehand. It does what kind's
# images/base/Dockerfile and `kind build node-image` do; every difference is commented.

NODE_BINARIES="kubeadm kubelet kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd coredns pause"
ETCD_TAG=${ETCD_VERSION#v}-0

# The name carries a fingerprint of all that is in it: if the image exists it is the right and a whole one.
node_image() {
  local binary
  printf 'localhost/fljob-node:%s-%s' "$KUBERNETES_VERSION" \
    "$({
      cat "$HERE/node-image.sh" "$HERE/image.py"
      echo "$DEBIAN_SUITE $NODE_PACKAGES"
      for binary in $NODE_BINARIES; do cat "$CACHE/stamp/$binary"; done
    } | sha256sum | cut -c1-12)"
}

make_node_image() {
  local image begin=$SECONDS
  image=$(node_image)
  if podman image exists "$image"; then
    note "node image $image: cached"
    return
  fi
  local root=$TMP/node
  mkdir -p "$root"
  tar -xpf "$(rootfs node)" -C "$root" --numeric-owner
  add_kind_files "$root"
  add_binaries "$root"
  adapt "$root"
  note "images of the control plane ..."
  make_control_plane_images "$root"
  preload "$root"
  note "into podman's store ..."
  import "$root" "$image"
  remove_old_images "$image"
  rm -rf --one-file-system "$root" "$TMP/images"
  note "node image $image: made in $((SECONDS - begin)) s"
}

import() { # ROOT IMAGE
  # shellcheck disable=SC2016
  watched "podman import" "$CACHE/log/import.log" env TMPDIR="$TMP" bash -c '
    tar -C "$0" --numeric-owner -c . | podman import --quiet --change "ENV container=docker" \
      --change "STOPSIGNAL SIGRTMIN+3" --change "ENTRYPOINT [\"/usr/local/bin/entrypoint\", \"/sbin/init\"]" - "$1"
  ' "$1" "$2"
}

remove_old_images() { # KEEP
  local name
  for name in $(podman images --format '{{.Repository}}:{{.Tag}}' --filter reference=localhost/fljob-node); do
    [ "$name" = "$1" ] || podman rmi "$name" > /dev/null 2>&1 || true
  done
}

add_kind_files() { # ROOT
  local root=$1 files
  need_go kind
  files=$(cd "$HERE/mods/kind" && GOFLAGS='' GOTOOLCHAIN=auto go list -m -f '{{.Dir}}' sigs.k8s.io/kind)/images/base/files
  cp -r --no-preserve=all "$files/etc/." "$root/etc/" # the module cache is read-only, the node's files must not be
  cp -r --no-preserve=all "$files/kind" "$root/"
  chmod 755 "$root"/kind/bin/*
  install -m 755 "$files/usr/local/bin/entrypoint" "$root/usr/local/bin/"
  printf %s "$KUBERNETES_VERSION" > "$root/kind/version"
  mkdir -p "$root/kind/manifests" "$root/etc/kubernetes/manifests"
}

add_binaries() { # ROOT
  local root=$1 name
  install -m 755 "$CACHE"/bin/{kubeadm,kubelet,kubectl} "$root/usr/bin/"
  for name in containerd ctr containerd-shim-runc-v2; do # kind's units name /usr/local/bin
    ln -sf "/usr/bin/$name" "$root/usr/local/bin/$name"
  done
  mkdir -p "$root/opt/cni/bin" "$root/etc/cni/net.d"
  for name in "$root"/usr/lib/cni/*; do
    ln -sf "/usr/lib/cni/${name##*/}" "$root/opt/cni/bin/${name##*/}"
  done
}

adapt() { # ROOT
  local root=$1 unit system=$1/etc/systemd/system config=$1/etc/containerd/config.toml
  # as kind's Dockerfile: only what a node needs is started
  rm -f "$root"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
  rm -f "$root"/lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* "$system"/*.wants/*
  rm -f "$root"/lib/systemd/system/sockets.target.wants/*{udev,initctl}*
  mkdir -p "$system/multi-user.target.wants"
  for unit in kubelet containerd undo-mount-hacks; do
    ln -sf "/etc/systemd/system/$unit.service" "$system/multi-user.target.wants/$unit.service"
  done
  ln -sf /dev/null "$system/systemd-binfmt.service" # binfmt_misc is the host's
  echo ReadKMsg=no >> "$root/etc/systemd/journald.conf"
  ln -sf /usr/lib/systemd/systemd "$root/sbin/init"
  # not in kind's image: Debian's own sysctl files would set sysctls of the host's kernel
  rm -f "$root"/usr/lib/sysctl.d/*
  # runc without CAP_SYS_RESOURCE cannot lower a score: "can't get final child's PID from pipe: EOF"
  sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$config"
  # kindnetd cannot be had as a Go module: containerd writes each node's network configuration from its pod CIDR
  cat >> "$config" << 'END'

[plugins."io.containerd.grpc.v1.cri".cni]
  conf_template = "/etc/containerd/cni.json.template"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
END
  cp "$HERE/cni.json.template" "$root/etc/containerd/"
  # kind's Dockerfile: a hook for product files in every container, and no limits of the build machine
  chroot "$root" ctr oci spec | chroot "$root" jq \
    '.hooks.createContainer += [{path: "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    > "$root/etc/containerd/cri-base.json"
}

# ---- the control plane's images, under the names that kubeadm asks for ----

make_control_plane_images() { # ROOT
  local root=$1 bin=$CACHE/bin registry=registry.k8s.io name library
  local certificates="$root/etc/ssl/certs/ca-certificates.crt:etc/ssl/certs/ca-certificates.crt" nft=()
  for name in kube-apiserver kube-controller-manager kube-scheduler; do
    pack "$name" "$registry/$name:$KUBERNETES_VERSION" --file "$bin/$name:usr/local/bin/$name" \
      --file "$certificates" --entrypoint "$name"
  done
  for library in $(chroot "$root" ldd /usr/sbin/nft | grep -o '/[^ ]*'); do nft+=(--file "$root$library:$library"); done
  # Without /etc/protocols nft lists "10.97.0.1 . 6 . 443"; kube-proxy, which wrote tcp, then takes every Service for a stale
  # one and deletes it at its next full sync: after an hour.
  nft+=(--file "$root/etc/protocols:etc/protocols")
  pack kube-proxy "$registry/kube-proxy:$KUBERNETES_VERSION" --file "$bin/kube-proxy:usr/local/bin/kube-proxy" \
    --file "$root/usr/sbin/nft:usr/sbin/nft" "${nft[@]}"
  pack etcd "$registry/etcd:$ETCD_TAG" --file "$bin/etcd:usr/local/bin/etcd" --entrypoint etcd
  pack coredns "$registry/coredns/coredns:$COREDNS_VERSION" --file "$bin/coredns:coredns" --file "$certificates" \
    --entrypoint /coredns
  pack pause "$registry/pause:$PAUSE_TAG" --file "$bin/pause:pause" --entrypoint /pause
}

pack() { # FILE NAME OPTION...
  local file=$1 name=$2
  shift 2
  python3 "$HERE/image.py" pack "$TMP/images/$file.tar" --name "$name" "$@"
}

# containerd of the node's own version, with the node's own folder as its root, imports them now: on every start of a
# node that would take half a minute.
preload() { # ROOT
  local root=$1 socket=$TMP/containerd.sock image
  mkdir -p "$root/var/lib/containerd"
  cat > "$TMP/containerd.toml" << END
version = 2
root = "$root/var/lib/containerd"
state = "$TMP/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$socket"
END
  mortal "$root/usr/bin/containerd" --config "$TMP/containerd.toml" > "$CACHE/log/preload.log" 2>&1 9>&- &
  local daemon=$!
  wait_for 20 test -S "$socket" || die "containerd did not start; its log: $CACHE/log/preload.log"
  for image in "$TMP"/images/*.tar; do
    "$root/usr/bin/ctr" --address "$socket" -n k8s.io images import --all-platforms --digests \
      --snapshotter=overlayfs "$image" >> "$CACHE/log/preload.log" || die "import of $image; log: $CACHE/log/preload.log"
  done
  kill "$daemon"
  wait "$daemon" || true
}
