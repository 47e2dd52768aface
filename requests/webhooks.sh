#!/usr/bin/env bash
# Webhooks: an endpoint is made, its receiver is told of an event and verifies it, asks for it once
# more, and has its secret replaced. The receiver is a few lines of Python; openssl verifies.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

HOOKS=$ANSWER/hooks
mkdir "$HOOKS"
python3 - "$HOOKS" <<'RECEIVER' &
import http.server, pathlib, sys

folder, count = pathlib.Path(sys.argv[1]), 0

def write(name, content):
    (folder / "draft").write_bytes(content)
    (folder / "draft").rename(folder / name)

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        count += 1
        body = self.rfile.read(int(self.headers["content-length"]))
        for name in ("id", "timestamp", "signature"):
            write(f"{count}.{name}", self.headers[f"webhook-{name}"].encode())
        write(f"{count}.body", body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
write("port", str(server.server_port).encode())
server.serve_forever()
RECEIVER
receiver=$!
trap 'kill "$receiver" || true; wait "$receiver" || true; rm -rf "$ANSWER"' EXIT

# told FILE: waits until the receiver has it.
told() {
  for _ in {1..150}; do
    [[ ! -e $HOOKS/$1 ]] || return 0
    sleep 0.1
  done
  fail "nothing came within 15 seconds"
}

# signature NUMBER SECRET: what the secret makes of that message.
signature() {
  local key
  key=$(base64 --decode <<<"${2#whsec_}" | od -An -tx1 | tr -d ' \n')
  { printf '%s.%s.' "$(cat "$HOOKS/$1.id")" "$(cat "$HOOKS/$1.timestamp")" &&
    cat "$HOOKS/$1.body"; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64 --wrap=0
}

# verify NUMBER SECRET: one of the message's signatures is made by the secret.
verify() {
  [[ " $(cat "$HOOKS/$1.signature") " == *" v1,$(signature "$1" "$2") "* ]] ||
    fail "message $1 is not signed with that secret"
}

ENDPOINTS=/api/v1/webhook-endpoints
told port
merchant POST "$ENDPOINTS" \
  "{\"url\":\"http://127.0.0.1:$(cat "$HOOKS/port")/hooks\",\"events\":[\"payment.prepared\"]}"
expect 201 "make an endpoint"
endpoint=$ENDPOINTS/$(pick .data.endpoint.endpointId)
secret=$(pick .data.secret)

prepare 1000
told 1.body
verify 1 "$secret"
cp "$HOOKS/1.body" "$ANSWER/body"
same .type payment.prepared
same .data.paymentId "$PAYMENT"
same .data.eventId "$(cat "$HOOKS/1.id")"
event=$(pick .data.eventId)
echo "  told and verified"
for _ in {1..50}; do
  merchant GET "$endpoint/deliveries"
  [[ $(pick '.data.deliveries[0].status') == PENDING ]] || break
  sleep 0.1
done
expect 200 "its deliveries"
same '.data.deliveries[0].status' DELIVERED
merchant GET "$endpoint/attempts?eventId=$event"
expect 200 "the tries of one"
same '.data.attempts | length' 1

merchant POST "$endpoint/redeliver" "{\"eventId\":\"$event\"}"
expect 200 "send it again"
told 2.body
[[ $(cat "$HOOKS/2.id") == "$event" ]] || fail "it has another name the second time"
verify 2 "$secret"

merchant POST "$endpoint/rotate" '{"graceSeconds":3600}'
expect 201 "another secret, the old one for an hour more"
next=$(pick .data.secret)
prepare 1000
told 3.body
verify 3 "$secret"
verify 3 "$next"
echo "  verified with both"

merchant PATCH "$endpoint" '{"enabled":false}'
expect 200 "told nothing for now"
same .data.status DISABLED
merchant DELETE "$endpoint"
expect 200 "and never again"
merchant GET "$endpoint"
expect 404 "it is gone"
merchant POST "$ENDPOINTS" '{"url":"https://192.168.0.1/hooks"}'
[[ $(pick '.errors[0].code // .code') == WEBHOOK_URL_REFUSED ]] || fail "an address inside"
expect 400 "an address inside"
