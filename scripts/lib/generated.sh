# shellcheck shell=bash
# Owns the requests that are generated from the served description: as nobody, and with each kind
# of key. No answer may be one that the description does not know, and none a failure of ours.

: "${run_dir:?}"
: "${schemathesis:?}"

generated_seconds=32
# Whoever turns a switch pauses what the others test: it has turns of its own, at the end.
generated_switch='/api/v1/switches/{operation}'
generated_switch_seconds=4

cargo build --locked --quiet --bin payflow
generated_binary=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/payflow
generated_folder=$run_dir/generated
generated_keys=$generated_folder/data/dev-keys.json
mkdir -p "$generated_folder"
# Without a limit of wrong credentials: the requests of nobody would soon all get the same answer.
(
  cd "$generated_folder" || exit
  export PAYFLOW_SERVER__LISTEN=127.0.0.1:0 PAYFLOW_SANDBOX__LISTEN=127.0.0.1:0
  export PAYFLOW_METRICS__LISTEN=127.0.0.1:0 PAYFLOW_SHOP__ENABLED=false
  export PAYFLOW_LIMITS__FAILURES_PER_MINUTE=0 PAYFLOW_LOG__FILTER=warn
  exec "$generated_binary"
) >"$generated_folder/log" 2>&1 &
generated_service=$!
trap 'kill "$generated_service" 2>/dev/null || true' EXIT

for _ in {1..300}; do
  ! grep -q '"payflowUrl": "http' "$generated_keys" 2>/dev/null || break
  kill -0 "$generated_service" 2>/dev/null || { cat "$generated_folder/log" >&2; exit 1; }
  sleep 0.1
done

generate_as() {
  local name=$1 seconds=$2 url credentials=()
  shift 2
  url=$(jq -r .payflowUrl "$generated_keys")
  if [ "$name" != nobody ]; then
    credentials=(--header "Authorization: Bearer $(jq -r ".$name" "$generated_keys")")
  fi
  say "generated requests as $name"
  (
    cd "$generated_folder" || exit
    "$schemathesis" --config-file "$generated_config" run "$url/openapi.json" --checks all \
      --max-time "$seconds" --workers 2 --seed 1 --warnings off --no-color "$@" \
      "${credentials[@]}"
  )
}

generated_config=$PWD/scripts/lib/schemathesis.toml
generated_well=0
generated_principals=(nobody secretKey publishableKey)
for generated_principal in "${generated_principals[@]}"; do
  generate_as "$generated_principal" "$generated_seconds" --exclude-path "$generated_switch" ||
    generated_well=1
done
for generated_principal in "${generated_principals[@]}"; do
  generate_as "$generated_principal" "$generated_switch_seconds" \
    --include-path "$generated_switch" || generated_well=1
done
[ "$generated_well" -eq 0 ]
