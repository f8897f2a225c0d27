# shellcheck shell=bash
# Debian root file systems as tar files in the cache, made by mmdebstrap from the machine's own Debian sources.

NODE_PACKAGES=systemd,dbus,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,ca-certificates
NODE_PACKAGES+=,jq,procps,socat,hostname,login,containerd,runc,containernetworking-plugins

rootfs_row() { # NAME : variant | packages
  case $1 in
    node) echo "minbase $NODE_PACKAGES" ;;
    python-numpy) echo "essential python3,python3-numpy,ca-certificates" ;;
    python) echo "essential python3,libstdc++6,ca-certificates" ;;
    *) die "no root file system is called $1; there are: node python python-numpy" ;;
  esac
}

# The lines that an apt of $DEBIAN_SUITE needs, with the addresses that this machine's apt uses: whatever mirror or
# proxy works here is already written there. FLJOB_DEBIAN_MIRROR names one where the machine is not a Debian.
debian_sources() {
  local format='$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' list main security
  main=${FLJOB_DEBIAN_MIRROR:-}
  if [ -z "$main" ]; then
    list=$(apt-get indextargets --format "$format" 'Created-By: Packages')
    main=$(sed -n 's/^Debian|Debian|main|//p' <<< "$list" | head -1)
    security=$(sed -n 's/^Debian|Debian-Security|main|//p' <<< "$list" | head -1)
  fi
  [ -n "$main" ] || return 1
  echo "deb $main $DEBIAN_SUITE main"
  [ -z "${security:-}" ] || echo "deb $security $DEBIAN_SUITE-security main"
}

debian_sources_or_update() {
  debian_sources && return
  [ "$(id -u)" != 0 ] || watched "apt-get update" "$CACHE/log/apt.log" apt-get update -q
  debian_sources || die "apt knows no Debian mirror; set FLJOB_DEBIAN_MIRROR to one (a URL)"
}

can_make_rootfs() { [ "$(id -u)" = 0 ] && type -P apt-get > /dev/null; }

rootfs() { # NAME : prints the tar file's path
  local variant packages want file=$CACHE/rootfs/$1.tar
  read -r variant packages < <(rootfs_row "$1")
  want="$DEBIAN_SUITE $variant $packages"
  if ! stamped "rootfs-$1" "$want" || [ ! -e "$file" ]; then
    make_rootfs "$1" "$variant" "$packages" "$file"
    stamp "rootfs-$1" "$want"
  fi
  echo "$file"
}

make_rootfs() { # NAME VARIANT PACKAGES FILE
  local begin=$SECONDS sources options=() line
  mapfile -t sources < <(debian_sources_or_update)
  mkdir -p "$CACHE/rootfs"
  while read -r line; do options+=("--aptopt=$line"); done < <(apt-config dump | grep -i '^Acquire::https\?::.*Proxy ')
  [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    options+=(--keyring=/usr/share/keyrings/debian-archive-keyring.gpg)
  for line in doc man locale info; do options+=("--dpkgopt=path-exclude=/usr/share/$line/*"); done
  note "root file system $1: Debian $DEBIAN_SUITE packages ..."
  # TMPDIR: what a killed mmdebstrap leaves mounted is then below $TMP, where clean_tmp finds it
  watched "root file system $1" "$CACHE/log/rootfs-$1.log" env TMPDIR="$TMP" SOURCE_DATE_EPOCH=1 \
    mmdebstrap --mode=root --format=tar --variant="$2" --include="$3" "${options[@]}" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='APT::Sandbox::User "root"' \
    --customize-hook='mkdir -p "$1/usr/local/bin"; ! [ -e "$1/usr/bin/python3" ] || ln -s /usr/bin/python3 "$1/usr/local/bin/python3"' \
    "$DEBIAN_SUITE" "$TMP/$1.tar" "${sources[@]}"
  mv "$TMP/$1.tar" "$4"
  note "root file system $1: $(($(stat -c %s "$4") / 1000000)) MB in $((SECONDS - begin)) s"
}
