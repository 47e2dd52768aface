#!/usr/bin/env bash
# Is it there: liveness, readiness, metrics on their own listener, and the documentation.
# shellcheck source=requests/lib.sh
source "$(dirname "$0")/lib.sh"

call GET "$PAYFLOW/health/live"
expect 200 "the process lives"
call GET "$PAYFLOW/health/ready"
expect 200 "it can serve"
call GET "$METRICS"
expect 200 "metrics"
call GET "$PAYFLOW/docs" --location
expect 200 "the documentation"
