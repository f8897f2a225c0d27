# shellcheck shell=bash
# The kind cluster itself: configuration, health, create, remove, network between nodes.

NODE_COUNT=3

kubectl_() { "$CACHE/bin/kubectl" --kubeconfig "$RUN/kubeconfig" "$@"; }
kind_() { "$CACHE/bin/kind" -q "$@" 9>&-; }

nodes() { "$ENGINE" ps -a --filter "label=io.x-k8s.kind.cluster=$CLUSTER" --format '{{.Names}} {{.Status}}' | sort; }
node_names() { nodes | cut -d' ' -f1; }

chosen_node_image() {
  if [ "$ROAD" = built ]; then node_image; else echo "$KIND_NODE_IMAGE"; fi
}

kind_config() {
  local role
  cat << END
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  apiServerPort: $APIPORT
  podSubnet: 10.250.0.0/16
  serviceSubnet: 10.97.0.0/16
END
  # kindnetd is not in the built image; kube-proxy's iptables mode needs kernel modules that podman nodes may not load
  [ "$ROAD" != built ] || printf '  disableDefaultCNI: true\n  kubeProxyMode: nftables\n'
  echo "nodes:"
  for role in control-plane worker worker; do
    printf -- '- {role: %s, extraMounts: [{hostPath: "%s", containerPath: /share}]}\n' "$role" "$SHARE"
  done
  kubeadm_patches
}

# serializeImagePulls: with the default a registry that never answers blocks every other pull on its node.
kubeadm_patches() {
  cat << END
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  serializeImagePulls: false
END
  [ "$ROAD" = built ] || return 0
  # failCgroupV1: kubelet refuses cgroup v1 hosts by default; the tags: kubeadm's own defaults may differ from what
  # was built
  cat << END
  failCgroupV1: false
- |
  kind: ClusterConfiguration
  dns: {imageTag: $COREDNS_VERSION}
  etcd: {local: {imageTag: $ETCD_TAG}}
END
}

cluster_print() { { kind_config && chosen_node_image; } | sha256sum | cut -c1-16; }

# One line that says why there is no usable cluster; nothing if there is one.
cluster_fault() { # SECONDS it may take to become Ready (a busy machine)
  local listed stopped
  listed=$(nodes)
  [ -n "$listed" ] || { echo "there is none" && return; }
  [ -s "$RUN/made" ] || { echo "it was not finished" && return; }
  [ "$(< "$RUN/made")" = "$(cluster_print)" ] || { echo "it was made from other versions or settings" && return; }
  stopped=$(grep -v '^[^ ]* Up ' <<< "$listed" | tr '\n' ' ' || true)
  [ -z "$stopped" ] || { echo "stopped: $stopped" && return; }
  [ "$(wc -l <<< "$listed")" = $NODE_COUNT ] || { echo "only $(wc -l <<< "$listed") of $NODE_COUNT nodes" && return; }
  wait_for "$1" all_ready || echo "not all nodes are Ready"
}

all_ready() {
  local ready
  # kwok's fake nodes carry a type
  ready=$(kubectl_ get nodes --request-timeout=5s --no-headers -l '!type' | awk '$2 == "Ready"' | wc -l)
  [ "$ready" = $NODE_COUNT ]
}

port_free() { # PORT : nobody answers there
  ! (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null
}

create_cluster() {
  local image
  image=$(chosen_node_image)
  port_free "$APIPORT" || die "port $APIPORT is taken by another program; set FLJOB_APIPORT to a free one"
  mkdir -p "$SHARE" /lib/modules # kind mounts /lib/modules into its nodes
  chmod 777 "$SHARE"
  rm -f "$RUN/made" "$RUN/kubeconfig"
  kind_config | write_file "$RUN/kind.yaml"
  watched "kind create cluster" "$CACHE/log/kind.log" "$CACHE/bin/kind" create cluster --name "$CLUSTER" \
    --config "$RUN/kind.yaml" --image "$image" --kubeconfig "$RUN/kubeconfig" --wait 180s
  all_ready || wait_for 300 all_ready || die "the nodes did not become Ready; look at $CACHE/log/kind.log"
  cluster_print | write_file "$RUN/made"
}

remove_cluster() {
  local name
  kind_ delete cluster --name "$CLUSTER" --kubeconfig "$RUN/kubeconfig" > "$CACHE/log/delete.log" 2>&1 || true
  for name in $(node_names); do # a node that was half made, or that kind could not delete
    "$ENGINE" rm -f -v "$name" > /dev/null 2>&1 || true
  done
  [ -z "$(node_names)" ] || die "these nodes cannot be removed: $(node_names | tr '\n' ' '); see $CACHE/log/delete.log"
}

# With the bridge network each node knows only its own pods: a route to every other node's.
connect_nodes() {
  [ "$ROAD" = built ] || return 0
  local format='{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
  local table here name cidr address
  table=$(kubectl_ get nodes -l '!type' -o "jsonpath=$format")
  while read -r here _; do
    while read -r name cidr address _; do
      [ "$name" = "$here" ] || echo "ip route replace $cidr via $address"
    done <<< "$table" | podman exec -i "$here" sh -e
  done <<< "$table"
}

# A pod can be made only when its namespace has a ServiceAccount, which comes a moment after the API server.
check_pods() {
  wait_for 180 kubectl_ get serviceaccount default || die "the namespace default got no ServiceAccount in 180 s"
  local node pods=() image=registry.k8s.io/pause:$PAUSE_TAG
  for node in "$CLUSTER-worker" "$CLUSTER-worker2"; do
    pods+=("pod/check-$node")
    kubectl_ run "check-$node" --image="$(check_image "$node" "$image")" --image-pull-policy=IfNotPresent --restart=Never \
      --overrides="{\"spec\": {\"nodeName\": \"$node\", \"terminationGracePeriodSeconds\": 0}}" > /dev/null
  done
  kubectl_ wait --for=condition=Ready --timeout=300s "${pods[@]}" > /dev/null || die "a first pod did not start on the workers"
  kubectl_ delete --wait=false "${pods[@]}" > /dev/null
}

check_image() { # NODE DEFAULT : the sandbox image that is in the node, whatever its tag is
  "$ENGINE" exec "$1" sh -c 'crictl images 2> /dev/null | awk "\$1 ~ /pause\$/ {print \$1 \":\" \$2; exit}"' 2> /dev/null |
    grep . || echo "$2"
}
