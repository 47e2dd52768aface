#!/usr/bin/env bash
# Events of all payments: read on from a place, wait for the next one, and cursors that are none.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

# To the end of what happened before.
after=
while
  merchant GET "/api/v1/events?limit=100${after:+&after=$after}"
  expect 200 "a page of events"
  after=$(pick .data.nextAfter)
  [[ $(pick .data.more) == true ]]
do :; done
prepare 1000
first=$PAYMENT
merchant GET "/api/v1/events?wait=30&after=$after"
expect 200 "the next event, as soon as it has its position"
same '.data.events | length' 1
same .data.events[0].paymentId "$first"
same .data.events[0].type payment.prepared
same .data.events[0].sequence 1
next=$(pick .data.nextAfter)
same .data.events[0].cursor "$next"
merchant GET "/api/v1/events?after=$next"
expect 200 "nothing behind it"
same '.data.events | length' 0
same .data.nextAfter "$next"
merchant GET "/api/v1/events?after=$after"
expect 200 "the same again"
same .data.events[0].paymentId "$first"
merchant GET '/api/v1/events?after=somewhere'
expect 400 "a cursor that we did not hand out"
merchant GET "/api/v1/events?after=$(printf 1.1.0 | base64 | tr -d '=')"
expect 410 "a cursor of another epoch"
same .code CURSOR_EXPIRED
