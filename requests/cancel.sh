#!/usr/bin/env bash
# Money goes back: a part, too much, the rest, and nothing when nothing is left.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

# Asks for money back under a key: cancel KEY BODY.
cancel() {
  merchant POST "/api/v1/payments/$PAYMENT/cancel" "$2" --header "Idempotency-Key: $1"
}

prepare 15000
authenticate
approve "$(unique key)"
expect 200 "approve"

key=$(unique key)
cancel "$key" '{"reason":"one was torn","amount":4000}'
expect 200 "a part"
same .data.status PARTIAL_CANCELED
same .data.balanceAmount 11000
cancel "$key" '{"reason":"one was torn","amount":4000}'
expect 200 "the same request again"
[[ $(header Idempotent-Replayed) == true ]] || fail "it is not marked as a replay"
cancel "$(unique key)" '{"reason":"too much","amount":11001}'
expect 422 "more than is left"
same .code CANCEL_OVER_BALANCE
cancel "$(unique key)" '{"reason":"all of it"}'
expect 200 "the rest"
same .data.status CANCELED
cancel "$(unique key)" '{"reason":"again"}'
expect 422 "nothing is left"
same .code PAYMENT_NOT_CANCELABLE

sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
[[ $(pick '[.calls[] | select(.effect and .operation == "cancel")] | length') == 2 ]] ||
  fail "money went back other than twice"

prepare 15000
cancel "$(unique key)" '{"reason":"changed my mind"}'
expect 200 "what nobody has paid"
same .data.status CANCELED
sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
same '.calls | length' 0
