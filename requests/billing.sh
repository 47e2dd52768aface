#!/usr/bin/env bash
# Cards on file: a member registers one, payments are charged with it, and it is deleted.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

# register MEMBER: the member passes the gateway's window; sets CARD, CUSTOMER and AUTH.
register() {
  merchant POST /api/v1/billing-keys "{\"memberId\":\"$1\"}"
  expect 201 "register a card"
  CARD=$(pick .data.billingKey.billingKeyId)
  CUSTOMER=$(pick .data.customerKey)
  sandbox POST /_sandbox/billing-auth "{\"customerKey\":\"$CUSTOMER\"}"
  expect 200 "the member consents"
  AUTH=$(pick .authKey)
}

issue() {
  merchant POST "/api/v1/billing-keys/$CARD/issue" \
    "{\"customerKey\":\"${1:-$CUSTOMER}\",\"authKey\":\"${2:-$AUTH}\"}"
}

# bill: a payment that waits for a charge; sets PAYMENT and GATEWAY_ORDER.
bill() {
  merchant POST /api/v1/payments "{\"orderId\":\"$(unique order)\",\"orderName\":\"Water\",
    \"amount\":9900,\"kind\":\"BILLING\",\"customer\":{\"memberId\":\"$MEMBER\"}}"
  expect 201 "prepare what is to be charged"
  PAYMENT=$(pick .data.paymentId)
  GATEWAY_ORDER=$(pick .data.gatewayOrderId)
}

charge() {
  merchant POST "/api/v1/payments/$PAYMENT/charge" "${2:-{\}}" --header "Idempotency-Key: $1"
}

MEMBER=$(unique member)
register "$MEMBER"
issue
expect 200 "issue its key"
same .data.status ACTIVE
same .data.isDefault true
issue
expect 200 "the same request again"
first=$CARD

register "$MEMBER"
issue cus_of_another_window
expect 400 "what another window's redirect brought"
issue "$CUSTOMER" bln_nobody_gave_this
expect 422 "an authKey that the gateway does not know"
same .data.status FAILED

merchant GET "/api/v1/billing-keys?memberId=$MEMBER"
expect 200 "the member's cards"
same '.data.billingKeys | map(.billingKeyId) | join(" ")' "$first"
[[ $(pick '.data.billingKeys[0].last4') =~ ^[0-9*]{1,4}$ ]] || fail "no last digits"

bill
key=$(unique key)
charge "$key"
expect 200 "charge it"
same .data.status DONE
charge "$key"
expect 200 "the same request again"
[[ $(header Idempotent-Replayed) == true ]] || fail "it is not marked as a replay"
charge "$key" "{\"billingKeyId\":\"$first\"}"
expect 422 "the same key with another body"
charge "$(unique key)"
expect 409 "another key for what is paid already"
sandbox GET "/_sandbox/calls?orderId=$GATEWAY_ORDER"
[[ $(pick '[.calls[] | select(.effect)] | length') == 1 ]] || fail "money moved more than once"
merchant POST "/api/v1/payments/$PAYMENT/cancel" '{"reason":"changed my mind"}' \
  --header "Idempotency-Key: $(unique key)"
expect 200 "give it back"
same .data.status CANCELED

register "$MEMBER"
issue
expect 200 "another card"
merchant PUT "/api/v1/billing-keys/$CARD/default"
expect 200 "make it the default"
same .data.isDefault true
merchant DELETE "/api/v1/billing-keys/$CARD"
expect 200 "delete it"
same .data.status DELETED
bill
charge "$(unique key)" "{\"billingKeyId\":\"$CARD\"}"
expect 409 "charge a card that is gone"
charge "$(unique key)"
expect 200 "the first card is the default again"
