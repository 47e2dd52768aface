# shellcheck shell=bash
# Owns the check of what production runs, built as it is built for it: no route for tests, no seeds
# and no secret that comes with it.

: "${run_dir:?}"

# The features and conditions of a release decide what is in it; how fast it is does not.
release_profile=${PAYFLOW_TEST_RELEASE_PROFILE:-bare}
release_targets=$(realpath "${CARGO_TARGET_DIR:-target}")
release_features=$(sed -n 's/^ARG FEATURES=//p' Containerfile)
cargo build --locked --quiet --profile "$release_profile" --package payflow \
  --no-default-features --features "$release_features" --bin payflow
release_binary=$release_targets/$release_profile/payflow
cargo build --locked --quiet --bin payflow
release_demo=$release_targets/debug/payflow
release_folder=$run_dir/release
mkdir -p "$release_folder"
# No live key goes anywhere: nobody listens at the gateway's address.
release_settings=(
  PAYFLOW_SERVER__LISTEN=127.0.0.1:0 PAYFLOW_METRICS__LISTEN=127.0.0.1:0
  TOSS_API_URL=http://127.0.0.1:9
  TOSS_SECRET_KEY=test_sk_of_nobody TOSS_CLIENT_KEY=test_ck_of_nobody
)
release_url=""

# What is in a program where the sandbox, the shop or the crash points are built in. The words are
# looked for in a build that has sandbox and shop, too: one that is found in neither proves nothing.
release_has_no_word_of_tests() {
  local word
  for word in /_sandbox/ledger sandbox/src/ shop/src/ 'Haru Goods'; do
    grep -qaF -- "$word" "$release_demo" || { say "no build says $word"; return 1; }
    ! grep -qaF -- "$word" "$release_binary" || { say "it says $word"; return 1; }
  done
  for word in PAYFLOW_CRASH_POINT approve.before_begin_commit; do
    ! grep -qaF -- "$word" "$release_binary" || { say "it says $word"; return 1; }
  done
}

# Everything in the program that could be a key, among it the examples of the description.
release_keys() {
  grep -aoE '([sp]k_(test|live)|(test|live)_g?[sc]k)_[A-Za-z0-9_]{4,}' "$release_binary" | sort -u
  printf '%s\n' sk_test_demo sk_live_demo sk_test_one admin root changeme secret payflow
}

release_starts_without_nothing() {
  refuses_to_start toss.secret_key
}

release_takes_no_live_key_without_a_master_key() {
  refuses_to_start vault.master_key TOSS_SECRET_KEY=live_sk_of_nobody \
    TOSS_CLIENT_KEY=live_ck_of_nobody DATABASE_URL=postgres://nobody@127.0.0.1:9/payflow
}

# Arguments: the setting that must be named, and what is set.
refuses_to_start() {
  local setting=$1 folder said status=0
  shift
  folder=$(mktemp -d "$release_folder/XXXXXX")
  said=$(cd "$folder" && env -i "$@" timeout 20 "$release_binary" 2>&1) || status=$?
  if [ "$status" -ne 1 ] || [[ $said != *"$setting"* ]] || [ -e "$folder/data" ]; then
    say "status $status: $said"
    return 1
  fi
}

# Starts it on empty books, and sets release_url.
release_begin() {
  (
    cd "$release_folder" || exit
    exec env -i "${release_settings[@]}" "$release_binary"
  ) >"$release_folder/log" 2>&1 &
  release_service=$!
  trap 'kill "$release_service" 2>/dev/null || true' EXIT
  for _ in {1..200}; do
    release_url=$(grep -aoE 'payflow_url="[^"]+' "$release_folder/log" | cut -d '"' -f 2) || true
    [ -z "$release_url" ] || return 0
    kill -0 "$release_service" 2>/dev/null || break
    sleep 0.1
  done
  cat "$release_folder/log" >&2
  return 1
}

release_has_no_routes_of_tests() {
  local path method status
  for path in /_sandbox/ledger /_sandbox/faults /_sandbox/clock /_sandbox/authenticate /window \
    /v2/standard /landing/success /v1/payments/confirm /v1/transactions / /orders /cart \
    /products/mug /assets/shop.css /metrics /debug /debug/pprof /admin /test /crash /seed /reset \
    /data/dev-keys.json /.env /api/v1/test /api/v1/_sandbox/clock; do
    for method in GET POST; do
      status=$(curl -s -o /dev/null -w '%{http_code}' -X "$method" -H 'Content-Length: 0' \
        "$release_url$path")
      [ "$status" -eq 404 ] || { say "$method $path: $status"; return 1; }
    done
  done
}

# Nothing but health and pages is answered without credentials, and nothing else is described.
release_lets_nobody_in() {
  local method path status
  while read -r method path; do
    path=${path//\{*\}/x}
    status=$(curl -s -o /dev/null -w '%{http_code}' -X "$method" -H 'Content-Length: 0' \
      "$release_url$path")
    case "$path $status" in
      /health/*\ 200 | /api/v1/*\ 401 | /webhooks/*\ 404) ;;
      *) say "$method $path: $status"; return 1 ;;
    esac
  done < <(curl -s "$release_url/openapi.json" |
    jq -r '.paths | to_entries[] | .key as $p | .value | keys[] | ascii_upcase + " " + $p')
}

release_takes_no_key_that_comes_with_it() {
  local key tried=0
  while read -r key; do
    if ! is_stranger -u "$key:" || ! is_stranger -H "Authorization: Bearer $key"; then
      say "it takes $key"
      return 1
    fi
    tried=$((tried + 1))
  done < <(release_keys)
  [ "$tried" -gt 5 ]
}

# Arguments: how curl shows who it is.
is_stranger() {
  [ "$(curl -s -o /dev/null -w '%{http_code}' "$@" "$release_url/api/v1/payments")" = 401 ]
}

release_seeds_nothing() {
  local listed command
  for listed in dev-keys.json shop.db sandbox.journal; do
    [ ! -e "$release_folder/data/$listed" ] || { say "it made $listed"; return 1; }
  done
  for command in "merchant list" "gateway-account list"; do
    # shellcheck disable=SC2086 # two words
    listed=$(cd "$release_folder" && env -i "${release_settings[@]}" "$release_binary" $command)
    [ -z "$listed" ] || { say "$command: $listed"; return 1; }
  done
}

# A master key is drawn, not given: two installations have two.
release_draws_its_master_key() {
  local other
  other=$(mktemp -d "$release_folder/XXXXXX")
  (cd "$other" && env -i "${release_settings[@]}" "$release_binary" rotate-master-key) >/dev/null
  [ "$(stat -c %a "$other/data/master.key")" = 600 ] &&
    [ "$(cut -d : -f 2 "$other/data/master.key" | tr -d '\n' | base64 -d | wc -c)" -eq 32 ] &&
    ! cmp -s "$other/data/master.key" "$release_folder/data/master.key"
}

release_knows_no_command_of_tests() {
  local command
  for command in points seed demo crash sandbox shop; do
    ! (cd "$release_folder" && env -i "$release_binary" "$command") >/dev/null 2>&1 ||
      { say "it has a command $command"; return 1; }
  done
}

release_checks=(
  release_has_no_word_of_tests
  release_starts_without_nothing
  release_takes_no_live_key_without_a_master_key
  release_begin
  release_has_no_routes_of_tests
  release_lets_nobody_in
  release_takes_no_key_that_comes_with_it
  release_seeds_nothing
  release_draws_its_master_key
  release_knows_no_command_of_tests
)
release_well=0
for release_check in "${release_checks[@]}"; do
  if "$release_check"; then
    release_well=$((release_well + 1))
  else
    say "FAILED: $release_check"
  fi
done
release_verdict=ok
[ "$release_well" -eq "${#release_checks[@]}" ] || release_verdict=FAILED
report_row "release binary" \
  "free of test routes, seeds and default secrets $release_well/${#release_checks[@]}" \
  "$release_verdict"
[ "$release_verdict" = ok ]
