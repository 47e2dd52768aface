#!/usr/bin/env bash
# The merchant's own keys: issued, used, rotated, revoked; a publishable one opens windows only.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

KEYS_PATH=/api/v1/api-keys
json=(--header 'Content-Type: application/json')

merchant POST "$KEYS_PATH" '{"kind":"secret","name":"order service"}'
expect 201 "issue a secret key"
key=$(pick .data.key)
id=$(pick .data.apiKey.apiKeyId)
[[ $(header cache-control) == no-store ]] || fail "a key may be kept on the way"
call GET "$PAYFLOW$KEYS_PATH" --user "$key:"
expect 200 "list the keys with it"
same '.data.apiKeys[0].prefix' "${key:0:12}"

call POST "$PAYFLOW$KEYS_PATH/$id/rotate" --user "$key:" "${json[@]}" --data '{"graceSeconds":0}'
expect 201 "rotate it without grace"
next=$(pick .data.key)
call GET "$PAYFLOW$KEYS_PATH" --user "$key:"
expect 401 "the old key"
same .code API_KEY_EXPIRED
call GET "$PAYFLOW$KEYS_PATH" --user "$next:"
expect 200 "the new key"

merchant POST "$KEYS_PATH" '{"kind":"publishable"}'
expect 201 "issue a publishable key"
page=$(pick .data.key)
prepare 1000
call POST "$PAYFLOW/api/v1/payments/$PAYMENT/checkout" --user "$page:"
expect 200 "a page opens the window again"
call GET "$PAYFLOW/api/v1/payments/$PAYMENT" --user "$page:"
expect 403 "a page reads the payment"

for begins in "${next:0:12}" "${page:0:12}"; do
  merchant GET "$KEYS_PATH"
  id=$(pick ".data.apiKeys[] | select(.prefix == \"$begins\") | .apiKeyId")
  merchant DELETE "$KEYS_PATH/$id"
  expect 200 "revoke a key"
done
call GET "$PAYFLOW$KEYS_PATH" --user "$next:"
expect 401 "a revoked key"
