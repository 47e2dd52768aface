#!/usr/bin/env bash
# Lists: filters, pages that do not shift, and filters that do not exist.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

prepare 1000
prepare 2000
merchant GET '/api/v1/payments?status=READY&limit=1'
expect 200 "the newest that waits"
same '.data.payments | length' 1
same .data.payments[0].paymentId "$PAYMENT"
next=$(pick '.data.nextCursor // empty')
[[ -n $next ]] || fail "no next page"
merchant GET "/api/v1/payments?status=READY&limit=1&cursor=$next"
expect 200 "the next page"
same .data.payments[0].amount 1000
merchant GET '/api/v1/payments?colour=red'
expect 400 "a filter that does not exist"
