#!/usr/bin/env bash
# The main flow: prepare, the buyer authenticates, approve; and every way of asking twice.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

prepare 15000
authenticate
key=$(unique key)
approve "$key"
expect 200 "approve"
same .data.status DONE
[[ -n $(header Server-Timing) ]] || fail "no Server-Timing"

approve "$key"
expect 200 "the same request again"
same .data.status DONE
[[ $(header Idempotent-Replayed) == true ]] || fail "it is not marked as a replay"
approve "$key" 14000
expect 422 "the same key with another body"
approve "$(unique key)"
expect 409 "another key for what is approved already"
merchant POST "/api/v1/payments/$PAYMENT/approve" '{}'
expect 400 "no idempotency key"

merchant GET "/api/v1/payments/$PAYMENT/events"
expect 200 "its events"
sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
[[ $(pick '[.calls[] | select(.effect)] | length') == 1 ]] || fail "money moved more than once"
