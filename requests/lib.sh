# shellcheck shell=bash
# What every request script needs: the keys of the running service, and one way to call it.
# Needs bash, curl and jq. KEYS names the file that each start of the service writes.

set -euo pipefail

KEYS=${KEYS:-$(dirname "${BASH_SOURCE[0]}")/../data/dev-keys.json}
[[ -r $KEYS ]] || { echo "no $KEYS: is the service running?" >&2; exit 1; }
PAYFLOW=$(jq -er .payflowUrl "$KEYS")
SANDBOX=$(jq -er .sandboxUrl "$KEYS")
# shellcheck disable=SC2034 # used by health.sh
METRICS=$(jq -er .metricsUrl "$KEYS")
SECRET=$(jq -er .secretKey "$KEYS")

ANSWER=$(mktemp -d)
trap 'rm -rf "$ANSWER"' EXIT

# call METHOD URL [curl option...]: leaves STATUS, the body and the headers behind.
call() {
  local method=$1 url=$2
  shift 2
  STATUS=$(curl --silent --show-error --max-time 60 --request "$method" "$url" \
    --output "$ANSWER/body" --dump-header "$ANSWER/headers" --write-out '%{http_code}' "$@")
}

# merchant METHOD PATH [BODY] [curl option...]: as the merchant's server, by its secret key.
merchant() {
  local method=$1 path=$2 body=${3:-}
  shift $(($# < 3 ? $# : 3))
  local options=(--user "$SECRET:")
  [[ -z $body ]] || options+=(--header 'Content-Type: application/json' --data "$body")
  call "$method" "$PAYFLOW$path" "${options[@]}" "$@"
}

# sandbox METHOD PATH [BODY]: the gateway's own controls.
sandbox() {
  local options=()
  [[ -z ${3:-} ]] || options=(--header 'Content-Type: application/json' --data "$3")
  call "$1" "$SANDBOX$2" "${options[@]}"
}

fail() {
  echo "  UNEXPECTED: $1" >&2
  sed 's/^/    /' "$ANSWER/body" >&2
  echo >&2
  exit 1
}

# expect STATUS WHAT: the last answer's status.
expect() {
  [[ $STATUS == "$1" ]] || fail "$2 answered $STATUS, not $1"
  echo "  $STATUS $2"
}

# same JQ TEXT: what the last answer's body says.
same() {
  local said
  said=$(pick "$1")
  [[ $said == "$2" ]] || fail "$1 is $said, not $2"
}

# pick JQ: something out of the last answer's body.
pick() { jq -r "$1" "$ANSWER/body"; }

# header NAME: a header of the last answer, empty when it is not there.
header() {
  sed -n "s/^$1: *//Ip" "$ANSWER/headers" | tr -d '\r' | tail -n 1
}

# unique WORD: a name that no earlier run has used.
unique() { echo "$1-$(date +%s%N)-$RANDOM"; }

# prepare AMOUNT: a payment that waits for its buyer; sets PAYMENT, GATEWAY_ORDER and AMOUNT.
prepare() {
  AMOUNT=$1
  local order
  order=$(unique order)
  merchant POST /api/v1/payments \
    "{\"orderId\":\"$order\",\"orderName\":\"T-shirt\",\"amount\":$AMOUNT,\"currency\":\"KRW\"}"
  expect 201 "prepare"
  PAYMENT=$(pick .data.paymentId)
  GATEWAY_ORDER=$(pick .data.gatewayOrderId)
}

# authenticate: the buyer passes the payment window; sets PAYMENT_KEY.
authenticate() {
  sandbox POST /_sandbox/authenticate "{\"orderId\":\"$GATEWAY_ORDER\",\"amount\":$AMOUNT}"
  expect 200 "the buyer authenticates"
  PAYMENT_KEY=$(pick .paymentKey)
}

# approve KEY [AMOUNT] [GATEWAY_ORDER]: what the merchant's success page does.
approve() {
  local amount=${2:-$AMOUNT} order=${3:-$GATEWAY_ORDER}
  merchant POST "/api/v1/payments/$PAYMENT/approve" \
    "{\"paymentKey\":\"$PAYMENT_KEY\",\"gatewayOrderId\":\"$order\",\"amount\":$amount}" \
    --header "Idempotency-Key: $1"
}

# settled: reads the payment until it is no longer in progress.
settled() {
  for _ in {1..60}; do
    merchant GET "/api/v1/payments/$PAYMENT"
    [[ $STATUS == 200 ]] || fail "a read answered $STATUS"
    [[ $(pick .data.status) == IN_PROGRESS ]] || return 0
    sleep 0.5
  done
  fail "the payment is in progress for 30 seconds"
}
