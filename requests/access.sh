#!/usr/bin/env bash
# Who may ask: the secret key as Basic or Bearer, nobody else, and nobody sees what is not theirs.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

prepare 1000
call GET "$PAYFLOW/api/v1/payments/$PAYMENT"
expect 401 "no key"
call GET "$PAYFLOW/api/v1/payments/$PAYMENT" --user "sk_test_wrong:"
expect 401 "a wrong key"
call GET "$PAYFLOW/api/v1/payments/$PAYMENT" --header "Authorization: Bearer $SECRET"
expect 200 "the key as Bearer"
merchant GET "/api/v1/payments/pay_0000000000000000000000000000000000"
expect 404 "a payment that does not exist"
merchant GET "/api/v1/payments/$PAYMENT" '' --header 'Accept-Language: ko'
expect 200 "in Korean"
