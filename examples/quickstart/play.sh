# What a newcomer is shown, sourced by node.

import_image() { ctl image import "oci:$PWD/build/images/busybox"; }

run_pods() {
  ctl run --wait -f examples/notes || return
  echo "   of each sandbox's time, as trivet-cri and trivet-netpolicy log it:"
  cat "$STATE/log/trivet-cri.log" "$STATE/log/trivet-netpolicy.log" | python3 $HERE/parts.py
}

delete_pods() { ctl delete -f examples/notes; }

address_of() { # POD
  ctl ps -o json | python3 -c '
import json, sys
print(next(pod["addresses"][0] for pod in json.load(sys.stdin) if pod["name"] == sys.argv[1]))' "$1"
}

# What NAMESPACE/POD gets from the server within two seconds.
notes_as() { ctl exec "$1" -- timeout 2 wget -q -O- "http://$(address_of server):8080/"; }

reads() { # POD TEXT
  local got
  got=$(notes_as "$1") && [ "$got" = "$2" ]
}

# Its packets are dropped, so that it waits until timeout(1) ends it by SIGTERM.
is_shut_out() { exits_with 143 notes_as "$1" 2>/dev/null; }

check_policy() {
  check "notes/client reads \"buy milk\" from notes/server" reads notes/client "buy milk"
  check "strangers/stranger gets no answer from it" is_shut_out strangers/stranger
}

check_data() {
  check "exec writes a second note" ctl exec notes/server -- sh -c 'echo "call mum" >> /notes/index.html'
  check "the server pod is deleted" ctl delete -f examples/notes/30-server.yaml
  check "and made again" ctl run --wait -f examples/notes
  check "both notes are still there" reads notes/client $'buy milk\ncall mum'
  check "strangers/stranger is still shut out" is_shut_out strangers/stranger
}

check_logs() {
  local log
  log=$(ctl logs notes/client)
  check "the client's log says: $log" [ "$log" = "client is here" ]
  check "exec gives the command's exit status" exits_with 7 ctl exec notes/client -- sh -c 'exit 7'
  check "the server runs as user 1000 without a capability" restricted
}

exits_with() { # STATUS COMMAND...
  local wanted=$1
  shift
  "$@"
  [ $? -eq "$wanted" ]
}

restricted() {
  local status
  status=$(ctl exec notes/server -- cat /proc/1/status) || return
  grep -q '^Uid:.1000' <<<"$status" && grep -q '^CapEff:.0*$' <<<"$status" && grep -q '^NoNewPrivs:.1$' <<<"$status"
}
