#!/usr/bin/env bash
# The size of each function and the time of its cold start, under the Lambda runtime interface emulator that
# aws-sam-cli carries. After `sam build --parameter-overrides Architecture=x86_64`:
#   bash localstack/init-times.sh
# What the functions keep things in is never asked at a start, so nothing else has to run.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(head -n 1 "$(command -v sam)" | cut -c 3-)
emulator=$("$python" -c 'import samcli, pathlib; print(pathlib.Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-x86_64")')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install -m 755 "$emulator" "$work/emulator"
set -a
. localstack/lambda.env
set +a
export AWS_LAMBDA_FUNCTION_MEMORY_SIZE=3008

printf '%-9s %8s   %s\n' function MB 'cold starts in ms'
port=9180
for name in Api Results Worker Janitor; do
    bootstrap=.aws-sam/build/${name}Function/bootstrap
    times=()
    for _ in 1 2 3 4 5; do
        port=$((port + 1))
        "$work/emulator" --log-level debug --runtime-interface-emulator-address "127.0.0.1:$port" \
            --runtime-api-address "127.0.0.1:$((port + 100))" "$bootstrap" >"$work/log" 2>&1 &
        # Any event will do: a start comes before the first.
        curl --silent --output /dev/null --max-time 20 --retry 40 --retry-delay 1 --retry-connrefused \
            "http://127.0.0.1:$port/2015-03-31/functions/function/invocations" -d '{}'
        kill $! && wait $! 2>/dev/null || true
        times+=("$(sed -n 's/.*INIT REPORT(durationMs: \([0-9]*\).*/\1/p' "$work/log" | head -n 1)")
    done
    printf '%-9s %8.1f   %s\n' "$name" "$(stat -c %s "$bootstrap" | awk '{print $1 / 1e6}')" "${times[*]}"
done
