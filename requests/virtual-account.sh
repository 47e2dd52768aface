#!/usr/bin/env bash
# A virtual account: issued once, paid into, taken back by the bank, paid into again, and a part of
# it given back; and one that is cancelled before anybody pays in.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

ask() {
  merchant POST "/api/v1/payments/$PAYMENT/virtual-account" \
    "${2:-{\"bank\":\"20\",\"validHours\":24,\"customerName\":\"Hong Gildong\"\}}" \
    --header "Idempotency-Key: $1"
}

# until STATUS: reads the payment until it says so; the watch looks every minute.
until_it_is() {
  for _ in $(seq 1 500); do
    merchant GET "/api/v1/payments/$PAYMENT"
    [[ $(pick .data.status) == "$1" ]] && break
    sleep 0.5
  done
  expect 200 "read it until it is $1"
  same .data.status "$1"
}

merchant POST /api/v1/payments "{\"orderId\":\"$(unique order)\",\"orderName\":\"Water\",
  \"amount\":15000,\"kind\":\"VIRTUAL_ACCOUNT\"}"
expect 201 "prepare what is to be paid in"
PAYMENT=$(pick .data.paymentId)

ask "$(unique key)" '{"bank":"92"}'
expect 400 "a bank that issues no accounts"
key=$(unique key)
ask "$key"
expect 200 "have an account issued"
same .data.status WAITING_FOR_DEPOSIT
same .data.virtualAccount.bank 20
number=$(pick .data.virtualAccount.accountNumber)
[[ -n $number && $number != null ]] || fail "no number"
ask "$key"
expect 200 "the same request again"
[[ $(header Idempotent-Replayed) == true ]] || fail "it is not marked as a replay"
same .data.virtualAccount.accountNumber "$number"
ask "$(unique key)"
expect 409 "another account for the same payment"

sandbox POST /_sandbox/deposits "{\"accountNumber\":\"$number\"}"
expect 200 "the buyer pays in"
until_it_is DONE
same .data.balanceAmount 15000
sandbox POST /_sandbox/deposits/reverse "{\"accountNumber\":\"$number\"}"
expect 200 "the bank takes it back"
until_it_is WAITING_FOR_DEPOSIT
same .data.balanceAmount 0
sandbox POST /_sandbox/deposits "{\"accountNumber\":\"$number\"}"
expect 200 "the buyer pays in again"
until_it_is DONE

merchant GET "/api/v1/payments/$PAYMENT/events"
expect 200 "its events"
same '.data.events | map(.type) | join(" ")' "payment.prepared payment.account_requested \
payment.account_issued payment.deposited payment.deposit_reversed payment.deposited"
if grep -q "$number" "$ANSWER/body"; then
  fail "an event tells the account's number"
fi

cancel() {
  merchant POST "/api/v1/payments/$PAYMENT/cancel" "$1" --header "Idempotency-Key: $(unique key)"
}

cancel '{"reason":"sold out"}'
expect 422 "give a deposit back to nowhere"
same .code REFUND_ACCOUNT_REQUIRED
to='{"bank":"88","accountNumber":"110123456789","holderName":"Hong Gildong"}'
cancel "{\"reason\":\"sold out\",\"amount\":5000,\"refundReceiveAccount\":$to}"
expect 200 "give a part back to the buyer's account"
same .data.status PARTIAL_CANCELED
same .data.virtualAccount.refundStatus PENDING
if grep -q 110123456789 "$ANSWER/body"; then
  fail "the answer tells the buyer's account"
fi

prepared() {
  merchant POST /api/v1/payments "{\"orderId\":\"$(unique order)\",\"orderName\":\"Water\",
    \"amount\":15000,\"kind\":\"VIRTUAL_ACCOUNT\"}"
  expect 201 "prepare another"
  PAYMENT=$(pick .data.paymentId)
  ask "$(unique key)"
  expect 200 "have an account issued for it"
  number=$(pick .data.virtualAccount.accountNumber)
}

prepared
cancel '{"reason":"changed my mind","amount":1}'
expect 422 "a part of what nobody has paid"
cancel '{"reason":"changed my mind"}'
expect 200 "cancel before the deposit"
same .data.status CANCELED
sandbox POST /_sandbox/deposits "{\"accountNumber\":\"$number\"}"
expect 400 "the closed account takes nothing in"
cancel '{"reason":"changed my mind"}'
expect 422 "cancel it again"
