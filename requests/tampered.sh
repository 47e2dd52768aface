#!/usr/bin/env bash
# The redirect comes from the buyer's browser: whatever was changed in it reaches no gateway.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

prepare 15000
other=$GATEWAY_ORDER
prepare 15000
authenticate
approve "$(unique key)" 100
[[ $STATUS == 4?? ]] || fail "another amount answered $STATUS"
echo "  $STATUS another amount"
approve "$(unique key)" "$AMOUNT" "$other"
[[ $STATUS == 4?? ]] || fail "another order answered $STATUS"
echo "  $STATUS another order"

sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
[[ $(pick '[.calls[] | select(.operation == "confirm")] | length') == 0 ]] ||
  fail "the gateway was called"
approve "$(unique key)"
expect 200 "the true one"
