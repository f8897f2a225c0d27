# shellcheck shell=bash
# Beside the nodes: the local registry that they pull from, and kwok for fake nodes.

registry_answers() { curl -sf -o /dev/null -m 3 "http://$1/v2/"; }

# ---- registry ----

# Published roads: a container, as kind's documentation does it. Built road: Debian's docker-registry on the host. Two
# processes on one folder, one on 127.0.0.1 for us and one on the bridge for the nodes; one on all addresses would
# serve (and take pushes from) the machine's whole network.
start_registry() {
  if [ "$ROAD" = built ]; then
    start_registry_processes
  else
    start_registry_container
  fi
  point_nodes_at_registry
}

start_registry_container() {
  local name=$CLUSTER-registry
  "$ENGINE" start "$name" > /dev/null 2>&1 ||
    "$ENGINE" run -d --name "$name" -p "127.0.0.1:$REGPORT:5000" "$REGISTRY_IMAGE" > /dev/null ||
    die "the registry's container did not start; is port $REGPORT free? (FLJOB_REGPORT)"
  "$ENGINE" network connect "$NETWORK" "$name" > /dev/null 2>&1 || true
  wait_for 90 registry_answers "$REGISTRY" || die "the registry does not answer; look at: $ENGINE logs $name"
  REGISTRY_FOR_NODES=http://$name:5000
}

bridge_address() {
  podman network inspect "$NETWORK" | grep -o '"gateway": "[0-9.]*"' | cut -d'"' -f4
}

start_registry_processes() {
  package_files docker-registry
  local address
  address=$(bridge_address)
  start_registry_process local 127.0.0.1
  start_registry_process nodes "$address"
  REGISTRY_FOR_NODES=http://$address:$REGPORT
}

start_registry_process() { # NAME ADDRESS
  local config=$RUN/registry-$1.yml wanted
  wanted=$(registry_config "$2")
  if registry_answers "$2:$REGPORT" && [ -n "$(processes docker-registry "$config")" ] && [ "$(< "$config")" = "$wanted" ]; then
    return
  fi
  stop_processes docker-registry "$config"
  port_free_at "$2" || die "port $REGPORT on $2 is taken by another program; set FLJOB_REGPORT to a free one"
  mkdir -p "$CACHE/registry"
  write_file "$config" <<< "$wanted"
  start_daemon "$CACHE/log/registry-$1.log" "$CACHE/packages/docker-registry/usr/bin/docker-registry" serve "$config"
  wait_for 90 registry_answers "$2:$REGPORT" || die "the registry did not start; its log: $CACHE/log/registry-$1.log"
}

port_free_at() { ! (exec 3<> "/dev/tcp/$1/$REGPORT") 2> /dev/null; }

registry_config() { # ADDRESS
  cat << END
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: "$CACHE/registry"}, delete: {enabled: true}}
http: {addr: "$1:$REGPORT"}
END
}

# In a node localhost is the node itself. Both `server` and the host are ours: without `server` containerd asks
# localhost after a 404, and a missing tag reads "connection refused".
point_nodes_at_registry() {
  local node
  for node in $(node_names); do
    "$ENGINE" exec -i "$node" sh -ec "mkdir -p /etc/containerd/certs.d/$REGISTRY
      cat > /etc/containerd/certs.d/$REGISTRY/hosts.toml" << END
server = "$REGISTRY_FOR_NODES"
[host."$REGISTRY_FOR_NODES"]
END
    point_node_at_bad_registry "$node"
  done
  kubectl_ apply -f - > /dev/null << END
{apiVersion: v1, kind: ConfigMap, metadata: {name: local-registry-hosting, namespace: kube-public},
 data: {localRegistryHosting.v1: 'host: "$REGISTRY"'}}
END
}

# The registry that misbehaves (tests/cluster/matrix/registry.py) is a process of the test, on the bridge of the nodes.
point_node_at_bad_registry() { # NODE
  "$ENGINE" exec -i "$1" sh -es << END
gateway=\$(ip -4 route show default | sed -n 's/.*via \([0-9.]*\).*/\1/p')
mkdir -p /etc/containerd/certs.d/misbehaving.invalid
cat > /etc/containerd/certs.d/misbehaving.invalid/hosts.toml << TOML
server = "http://\$gateway:${FLJOB_BADREGPORT:-5002}"
[host."http://\$gateway:${FLJOB_BADREGPORT:-5002}"]
TOML
END
}

stop_registry() {
  if [ "$ROAD" = built ]; then
    stop_processes docker-registry "$RUN/registry-local.yml"
    stop_processes docker-registry "$RUN/registry-nodes.yml"
  else
    "$ENGINE" rm -f -v "$CLUSTER-registry" > /dev/null 2>&1 || true
  fi
}

# ---- kwok: plays kubelet for nodes with the annotation kwok.x-k8s.io/node=fake, and no others ----

start_kwok() {
  local stages=$RUN/kwok-stages.yaml
  if [ -n "$(processes kwok "$stages")" ] && cmp -s "$stages" "$HERE/kwok-stages.yaml"; then
    return
  fi
  stop_processes kwok "$stages"
  write_file "$stages" < "$HERE/kwok-stages.yaml"
  start_daemon "$CACHE/log/kwok.log" "$CACHE/bin/kwok" --kubeconfig "$RUN/kubeconfig" --config "$stages" \
    --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake --node-lease-duration-seconds 40
  sleep 0.3
  [ -n "$(processes kwok "$stages")" ] || die "kwok did not start; its log: $CACHE/log/kwok.log"
}

# kwok has no state of its own, and takes five seconds to end politely
stop_kwok() { stop_processes kwok "$RUN/kwok-stages.yaml"; }
