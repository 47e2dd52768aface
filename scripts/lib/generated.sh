# shellcheck shell=bash
# Owns the requests that are generated from the served description: as nobody, with each kind of
# key, and as a member. No answer may be one that the description does not know, and none a failure
# of ours; scripts/lib/schemathesis/ says what each of them may be refused.

: "${run_dir:?}"
: "${schemathesis:?}"

# By number, not by the clock: a fast machine tries the same as a slow one.
generated_examples=100
# Whoever turns a switch pauses what the others test, and whoever revokes keys soon has none: these
# have turns of their own, at the end.
generated_switch='/api/v1/switches/{operation}'
generated_keys_end='^/api/v1/api-keys/'
generated_end_examples=30

cargo build --locked --quiet --bin payflow
generated_binary=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/payflow
generated_folder=$run_dir/generated
generated_keys=$generated_folder/data/dev-keys.json
mkdir -p "$generated_folder"

# Who vouches for the member. A shared secret, since every Python can sign with one.
generated_secret=$(python3 -c 'import secrets; print(secrets.token_hex(32))')
generated_issuer=https://login.example
printf '%s' "$generated_secret" >"$generated_folder/shared"
cat >"$generated_folder/payflow.toml" <<END
[identity.issuers.login]
issuer = "$generated_issuer"
audience = ["payflow"]
mode = "test"
merchant_claim = "merchant"
keys = [{ algorithm = "HS256", file = "shared" }]
END

# Without a limit of wrong credentials: the requests of nobody would soon all get the same answer.
(
  cd "$generated_folder" || exit
  export PAYFLOW_SERVER__LISTEN=127.0.0.1:0 PAYFLOW_SANDBOX__LISTEN=127.0.0.1:0
  export PAYFLOW_METRICS__LISTEN=127.0.0.1:0 PAYFLOW_SHOP__ENABLED=false
  export PAYFLOW_LIMITS__FAILURES_PER_MINUTE=0 PAYFLOW_CONFIG=payflow.toml RUST_LOG=trace
  exec "$generated_binary"
) >"$generated_folder/log" 2>&1 &
generated_service=$!
trap 'kill "$generated_service" 2>/dev/null || true' EXIT

for _ in {1..300}; do
  ! grep -q '"payflowUrl": "http' "$generated_keys" 2>/dev/null || break
  kill -0 "$generated_service" 2>/dev/null || { cat "$generated_folder/log" >&2; exit 1; }
  sleep 0.1
done

# A token of the member of the description's examples, who is the merchant's of this service.
generated_token() {
  local merchant
  merchant=$(cd "$generated_folder" && "$generated_binary" merchant list | jq -r .merchantId)
  python3 - "$generated_secret" "$generated_issuer" "$merchant" <<'END'
import base64, hashlib, hmac, json, sys, time
secret, issuer, merchant = sys.argv[1:]
part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
claims = {"iss": issuer, "aud": "payflow", "sub": "member-1", "merchant": merchant,
          "exp": int(time.time()) + 86400}
head = json.dumps({"alg": "HS256", "typ": "JWT"})
signed = part(head.encode()) + b"." + part(json.dumps(claims).encode())
print((signed + b"." + part(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode())
END
}

generated_url=$(jq -r .payflowUrl "$generated_keys")
generated_member=$(generated_token)

# What the member may do something with.
for generated_order in member-order-{1..5}; do
  curl -sSf -o "$generated_folder/prepared" -u "$(jq -r .secretKey "$generated_keys"):" \
    -H 'Content-Type: application/json' "$generated_url/api/v1/payments" \
    -d "{\"orderId\":\"$generated_order\",\"orderName\":\"tea\",\"amount\":15000,
         \"customer\":{\"memberId\":\"member-1\"}}"
done

# The header that shows who somebody is.
generated_credentials() {
  case $1 in
    nobody) ;;
    member) echo "Authorization: Bearer $generated_member" ;;
    *) echo "Authorization: Bearer $(jq -r ".$1" "$generated_keys")" ;;
  esac
}

# One worker: what is generated is then decided by the seed alone, and Python 3.11 cannot parse in
# two threads at once. Arguments: as whom, how it is judged, how many of each operation, of what.
generate_as() {
  local name=$1 judged=$2 examples=$3 header credentials=()
  shift 3
  header=$(generated_credentials "$name")
  [ -z "$header" ] || credentials=(--header "$header")
  say "generated requests as $name"
  (
    cd "$generated_folder" || exit
    "$schemathesis" --config-file "$generated_configs/$judged.toml" run \
      "$generated_url/openapi.json" --checks all --max-examples "$examples" --workers 1 --seed 1 \
      --warnings off --no-color "$@" "${credentials[@]}"
  ) || generated_well=1
}

generated_configs=$PWD/scripts/lib/schemathesis
generated_well=0
generated_principals=(nobody secretKey publishableKey member)
for generated_principal in "${generated_principals[@]}"; do
  generate_as "$generated_principal" "$generated_principal" "$generated_examples" \
    --exclude-path "$generated_switch" --exclude-path-regex "$generated_keys_end"
done
for generated_principal in "${generated_principals[@]}"; do
  generate_as "$generated_principal" "$generated_principal" "$generated_end_examples" \
    --include-path "$generated_switch"
done
# As the keys that can be revoked last: theirs are among them.
generate_as nobody nobody "$generated_end_examples" --include-path-regex "$generated_keys_end"
generate_as member member "$generated_end_examples" --include-path-regex "$generated_keys_end"
generate_as publishableKey publishableKey "$generated_end_examples" \
  --include-path-regex "$generated_keys_end"
generate_as secretKey revokingKey "$generated_end_examples" \
  --include-path-regex '^/api/v1/api-keys'
look_through_log "$generated_folder/log" || generated_well=1
[ "$generated_well" -eq 0 ]
