#!/usr/bin/env bash
# One payment, followed live and taken up again behind the last thing that was heard; and the feed
# of all payments, waited at before anything happens.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

# follow FILE [curl option...]: reads the payment's stream into a file, beside everything else.
follow() {
  local file=$1
  shift
  curl --silent --show-error --no-buffer --max-time 60 --user "$SECRET:" "$@" \
    "$PAYFLOW/api/v1/payments/$PAYMENT/stream" >"$file" &
  following=$!
}

# heard FILE TEXT: waits until the text was streamed.
heard() {
  for _ in {1..150}; do
    ! grep -qF -- "$2" "$1" || return 0
    sleep 0.1
  done
  cp "$1" "$ANSWER/body"
  fail "$2 was not heard within 15 seconds"
}

# Each id of a stream, in one line.
ids() { sed -n 's/^id: *//p' "$1" | tr '\n' ' '; }

prepare 1000
follow "$ANSWER/live"
heard "$ANSWER/live" 'event: state'
heard "$ANSWER/live" '"status":"READY"'
authenticate
approve "$(unique key)"
expect 200 "approve"
heard "$ANSWER/live" '"type":"payment.approved"'
kill "$following"
wait "$following" || true
[[ $(ids "$ANSWER/live") == '1 2 3 ' ]] || fail "heard $(ids "$ANSWER/live")"
echo "  heard live, each once and in order"

follow "$ANSWER/again" --header 'Last-Event-ID: 1'
heard "$ANSWER/again" '"type":"payment.approved"'
grep -qF '"type":"payment.approval_requested"' "$ANSWER/again" || fail "something is missing"
! grep -qF '"type":"payment.prepared"' "$ANSWER/again" || fail "what was heard comes again"
echo "  taken up behind the first event"
merchant POST "/api/v1/payments/$PAYMENT/cancel" '{"reason":"changed my mind"}' \
  --header "Idempotency-Key: $(unique key)"
expect 200 "all of it back"
heard "$ANSWER/again" 'event: end'
wait "$following" || fail "the stream did not end by itself"
call GET "$PAYFLOW/api/v1/payments/$PAYMENT/stream" --user "$SECRET:" --header 'Last-Event-ID: 5'
expect 204 "nothing more will happen"

# To the end of what happened before, then wait for the next.
after=
while
  merchant GET "/api/v1/events?limit=100&wait=1${after:+&after=$after}"
  expect 200 "a page of events"
  after=$(pick .data.nextAfter)
  [[ $(pick '.data.events | length') != 0 ]]
do :; done
curl --silent --show-error --max-time 60 --user "$SECRET:" \
  "$PAYFLOW/api/v1/events?wait=30&after=$after" >"$ANSWER/poll" &
waiting=$!
sleep 0.5
kill -0 "$waiting" || fail "the feed does not wait"
prepare 1000
wait "$waiting" || fail "the feed did not answer"
cp "$ANSWER/poll" "$ANSWER/body"
same '.data.events[0].paymentId' "$PAYMENT"
echo "  told as soon as it happened"
