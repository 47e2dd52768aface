#!/usr/bin/env bash
# The gateway takes the money and its answer is lost: nothing is guessed, it asks and finds out.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

prepare 15000
authenticate
sandbox POST /_sandbox/faults "{\"operation\":\"confirm\",\"orderId\":\"$GATEWAY_ORDER\",
  \"fault\":{\"type\":\"dropAfter\"}}"
expect 200 "the answer will be lost"
key=$(unique key)
approve "$key"
[[ $STATUS == 200 || $STATUS == 202 ]] || fail "approve answered $STATUS"
echo "  $STATUS approve"
settled
same .data.status DONE
approve "$key"
expect 200 "the same request again"
sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
[[ $(pick '[.calls[] | select(.effect)] | length') == 1 ]] || fail "money moved more than once"
