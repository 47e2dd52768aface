#!/usr/bin/env bash
# Before the payment window opens: the order becomes a payment that waits for its buyer.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

order=$(unique order)
body="{\"orderId\":\"$order\",\"orderName\":\"Toss T-shirt\",\"amount\":15000,\"currency\":\"KRW\"}"
merchant POST /api/v1/payments "$body"
expect 201 "prepare"
same .data.status READY
PAYMENT=$(pick .data.paymentId)

merchant GET "/api/v1/payments/$PAYMENT"
expect 200 "read it back"
same .data.orderId "$order"
same .data.amount 15000

merchant POST /api/v1/payments "$body"
expect 409 "the same order again"
merchant POST /api/v1/payments "${body/15000/-1}"
expect 400 "a negative amount"
merchant POST /api/v1/payments "${body/15000/1.5}"
expect 400 "half a won"
merchant POST /api/v1/payments "${body/KRW/XYZ}"
expect 400 "a currency that does not exist"
