#!/usr/bin/env bash
# The card is refused: 402, nothing taken, and the buyer may try again.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

prepare 15000
authenticate
sandbox POST /_sandbox/faults "{\"operation\":\"confirm\",\"orderId\":\"$GATEWAY_ORDER\",
  \"fault\":{\"type\":\"code\",\"code\":\"REJECT_CARD_PAYMENT\"}}"
expect 200 "the card will be refused"
key=$(unique key)
approve "$key"
expect 402 "approve"
approve "$key"
expect 402 "the same request again"
merchant GET "/api/v1/payments/$PAYMENT"
expect 200 "read it"
same .data.status READY

merchant POST "/api/v1/payments/$PAYMENT/checkout"
expect 200 "open the window again"
GATEWAY_ORDER=$(pick .data.gatewayOrderId)
authenticate
approve "$(unique key)"
expect 200 "another card"
