# shellcheck shell=bash
# What every script of the cluster shares: versions, the cache folder, progress, the lock, and how a child dies with us.
# Sourced, never run. Layout of the cache folder ($CACHE):
#   bin/ stamp/      tools and node binaries; stamp/X says from what bin/X was made, and is written after it
#   images/ rootfs/  image archives and Debian root file systems
#   registry/        what was pushed to the local registry
#   podman/          a podman store of our own (only where the node image had to be built)
#   run/             the running cluster: kubeconfig, configuration, logs. Gone after `down`
#   share/           /share in every node. Gone after `down`
#   host.before      what the host looked like before the first change. Gone after `down`
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/cluster.d/versions
. "$HERE/versions"

CLUSTER=${FLJOB_CLUSTER:-fljob}
REGPORT=${FLJOB_REGPORT:-5001}
APIPORT=${FLJOB_APIPORT:-36443}
CACHE=${FLJOB_CACHE:-${HOME:?}/.cache/fljob}
mkdir -p "$CACHE"
CACHE=$(cd "$CACHE" && pwd -P)
RUN=$CACHE/run
SHARE=$CACHE/share
TMP=$CACHE/tmp
REGISTRY=localhost:$REGPORT
ORIGINAL_PATH=$PATH
ORIGINAL_KUBECONFIG=${KUBECONFIG:-}
export PATH=$CACHE/bin:$PATH

case $(uname -m) in
  x86_64) ARCH=amd64 ;;
  aarch64) ARCH=arm64 ;;
  *) ARCH=$(uname -m) ;;
esac

# ---- progress: everything on stderr, so that `env` and pipes stay clean ----

STEP=0
STEPS=0
clock() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }
say() { printf '%s  %s\n' "$(clock)" "$*" >&2; }
note() { printf '%s         %s\n' "$(clock)" "$*" >&2; }
step() {
  STEP=$((STEP + 1))
  printf '%s  [%d/%d] %s\n' "$(clock)" "$STEP" "$STEPS" "$*" >&2
}
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# watched LABEL LOG COMMAND... : runs it with its output in LOG; says every 15 s that it is still at work (with the last
# line it wrote), and shows the end of LOG when it fails.
watched() {
  local label=$1 log=$2 begin=$SECONDS beat status=0
  shift 2
  heartbeat "$label" "$log" "$begin" &
  beat=$!
  # shellcheck disable=SC2024  # the log belongs to us
  mortal "$@" > "$log" 2>&1 9>&- < /dev/null || status=$?
  kill "$beat" 2> /dev/null || true
  wait "$beat" 2> /dev/null || true
  if [ "$status" != 0 ]; then
    tail -25 "$log" >&2
    die "$label failed after $((SECONDS - begin)) s (exit code $status); whole log: $log"
  fi
}

heartbeat() { # LABEL LOG BEGIN
  exec 9>&- {never}<> <(:)
  local parent=$$
  # `read` from what never comes, not `sleep`: a sleep left behind holds the caller's pipe open for its whole time
  while ! read -r -t 15 -u "$never" _; do
    kill -0 "$parent" 2> /dev/null || exit 0
    note "... $1, $((SECONDS - $3)) s: $(tail -1 "$2" 2> /dev/null | tr -d '\r' | cut -c1-80)"
  done
}

# A child that outlives a killed `up` would go on changing what the next `up` repairs: let the kernel end it with us.
mortal() {
  if type -P setpriv > /dev/null; then
    setpriv --pdeathsig KILL -- "$@"
  else
    "$@"
  fi
}

# ---- the lock: one `up` or `down` at a time; the kernel drops it when its holder dies, however it dies ----

lock() {
  type -P flock > /dev/null || die "flock is missing; run: apt-get install util-linux"
  exec 9>> "$CACHE/lock"
  flock -n 9 && return
  say "another scripts/cluster is at work on $CACHE; waiting for it (at most 20 minutes)"
  flock -w 1200 9 || die "the other scripts/cluster did not end in 20 minutes"
}

# Half-made things live in $TMP only. mmdebstrap and containerd mount things below it, which a kill leaves mounted.
clean_tmp() {
  local mount
  stop_processes containerd "$TMP/containerd.toml"
  while read -r mount; do
    umount -l "$mount" 2> /dev/null || true
  done < <(awk -v top="$TMP/" 'index($5, top) == 1 {print $5}' /proc/self/mountinfo | sort -r)
  rm -rf --one-file-system "$TMP"
  mkdir -p "$TMP"
}

# write_file PATH : stdin to PATH, whole or not at all.
write_file() {
  cat > "$1.new"
  mv "$1.new" "$1"
}

fingerprint() { cat "$@" | sha256sum | cut -c1-16; }

stamped() { # NAME STAMP : was it made from exactly this?
  [ -e "$CACHE/stamp/$1" ] && [ "$(< "$CACHE/stamp/$1")" = "$2" ]
}

stamp() { # NAME STAMP
  mkdir -p "$CACHE/stamp"
  printf '%s\n' "$2" | write_file "$CACHE/stamp/$1"
}

# ---- network: asked once per run, so that a machine without one loses seconds, not minutes ----

online() { # URL : does anything answer there? (any HTTP status will do)
  local key
  key=ONLINE_$(printf %s "$1" | tr -c 'a-zA-Z0-9' _)
  if [ -z "${!key:-}" ]; then
    printf -v "$key" %s no
    type -P curl > /dev/null && curl -s -o /dev/null --connect-timeout 3 -m 6 "$1" && printf -v "$key" %s yes
  fi
  [ "${!key}" = yes ]
}

# wait_for SECONDS COMMAND... : tries it five times a second.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# Processes of ours are found by what they run and by a path of this cache in their command line. A pid file would be
# missing after a kill between start and write, and wrong after a restart of the machine.
processes() { # PROGRAM PATH
  local file words
  for file in /proc/[0-9]*/cmdline; do
    words=()
    mapfile -d '' -t words 2> /dev/null < "$file" || continue
    [ "${#words[@]}" -gt 1 ] && [ "${words[0]##*/}" = "$1" ] || continue
    [[ " ${words[*]} " == *" $2 "* ]] && { file=${file%/cmdline} && printf '%s\n' "${file#/proc/}"; }
  done
  return 0
}

stop_processes() { # PROGRAM PATH
  local pid
  for pid in $(processes "$1" "$2"); do
    kill "$pid" 2> /dev/null || continue
    wait_for 5 test ! -e "/proc/$pid" || kill -9 "$pid" 2> /dev/null || true
  done
}

# start_daemon LOG COMMAND... : in a session of its own, without our lock and terminal.
start_daemon() {
  local log=$1
  shift
  setsid "$@" > "$log" 2>&1 < /dev/null 9>&- &
}

# ---- packages of Debian ----

install_packages() { # "NAME NAME..." [CURE] : what is missing of them; CURE helps on another system
  local name missing=""
  type -P dpkg-query > /dev/null || die "this is not Debian, $1 cannot be installed; ${2:-install what that is elsewhere}"
  for name in $1; do
    [ "$(dpkg-query -Wf '${db:Status-Abbrev}' "$name" 2> /dev/null)" = "ii " ] || missing+=" $name"
  done
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || die "missing packages; run as root: apt-get install --no-install-recommends$missing"
  note "installing the missing packages:$missing"
  watched "apt-get update" "$CACHE/log/apt.log" apt-get update -q
  # shellcheck disable=SC2086  # words
  watched "apt-get install" "$CACHE/log/apt.log" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends $missing
}
