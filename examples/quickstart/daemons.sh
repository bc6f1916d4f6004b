# Starting and stopping the daemons, sourced by node.

# Where trivetctl finds them, as NAME=VALUE lines.
ctl_environment() {
  cat <<END
TRIVET_CRI_SOCKET=$STATE/run/cri.sock
TRIVET_CSI_SOCKET=$STATE/run/csi.sock
TRIVET_STATE_DIR=$STATE/ctl
TRIVET_MANIFESTS=$STATE/manifests
END
}

ctl() { env $(ctl_environment) "$BIN/trivetctl" "$@"; }

# The runtime finds the plugins and their configuration in folders, as on any node.
write_cni() {
  mkdir -p "$STATE/cni-bin" "$STATE/net.d" "$STATE/manifests"
  ln -sf "$BIN/trivet-cni" "$STATE/cni-bin/bridge"
  ln -sf "$BIN/trivet-cni" "$STATE/cni-bin/host-local"
  cat >"$STATE/net.d/10-quickstart.conflist" <<END
{
  "cniVersion": "1.1.0",
  "name": "quickstart",
  "plugins": [{
    "type": "bridge", "bridge": "quickstart0", "isDefaultGateway": true, "ipMasq": true,
    "ephemeralBridge": true, "stateDir": "$STATE/cni",
    "policy": {"socket": "$STATE/run/netpolicy.sock", "required": true},
    "ipam": {
      "type": "host-local", "dataDir": "$STATE/ipam",
      "ranges": [[{"subnet": "10.88.0.0/24"}], [{"subnet": "fd00:88::/64"}]]
    }
  }]
}
END
}

# start NAME SOCKET ARGUMENT...: ready when its socket is there.
start() {
  local name=$1 socket=$2 tries=400 pid
  shift 2
  rm -f "$socket"
  setsid "$BIN/$name" "$@" </dev/null >>"$STATE/log/$name.log" 2>&1 &
  pid=$!
  echo "$pid $name" >>"$STATE/pids"
  until [ -S "$socket" ]; do
    if ! kill -0 "$pid" 2>/dev/null || [ $((tries -= 1)) -eq 0 ]; then
      echo "$name does not serve $socket:" >&2
      tail -n 5 "$STATE/log/$name.log" >&2
      return 1
    fi
    sleep 0.025
  done
  echo "   $name serves $socket"
}

runs() { # NAME: is the last process of that name that was started still there?
  local pid
  pid=$(awk -v name="$1" '$2 == name { pid = $1 } END { print pid }' "$STATE/pids" 2>/dev/null)
  [ -n "$pid" ] && [[ $(readlink "/proc/$pid/exe") == "$BIN/$1" ]]
}

start_daemons() {
  local run=$STATE/run
  mkdir -p -m 0700 "$run"
  write_cni
  runs trivet-netpolicy || start trivet-netpolicy "$run/netpolicy.sock" --socket "$run/netpolicy.sock" \
    --state-dir "$STATE/netpolicy" --manifests "$STATE/manifests" || return
  runs trivet-csi || start trivet-csi "$run/csi.sock" --socket "$run/csi.sock" --state-dir "$STATE/csi" \
    --node-id quickstart || return
  runs trivet-cri || start trivet-cri "$run/cri.sock" --socket "$run/cri.sock" --state-dir "$STATE/cri" \
    --run-dir "$run/cri" --cni-config-dir "$STATE/net.d" --cni-bin-dir "$STATE/cni-bin" \
    --shim "$BIN/trivet-shim" --cgroup-parent "$CGROUP"
}

# By pid, and only what is still the program that was started.
stop_daemons() {
  local pid name tries=400
  while read -r pid name; do
    [[ $(readlink "/proc/$pid/exe") == "$BIN/$name" ]] || continue
    kill "$pid"
    until [[ $(readlink "/proc/$pid/exe") != "$BIN/$name" ]] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.025; done
  done < <(tac "$STATE/pids")
  "$BIN/trivet-netpolicy" --flush --state-dir "$STATE/netpolicy"
  remove_cgroups
}

# The parent was named by us, so it is ours to remove, in each hierarchy.
remove_cgroups() {
  local group
  for group in /sys/fs/cgroup"$CGROUP" /sys/fs/cgroup/*"$CGROUP"; do
    [ ! -d "$group" ] || rmdir "$group"
  done
}
