#!/usr/bin/env bash
# Runs every function under `sam local`, with MiniStack for AWS, and shows what each answers: by hand, not in CI.
#   just sam-local
# Needs Docker. Where no registry gives the image of the functions, one is made with debootstrap (as root).
set -euo pipefail
cd "$(dirname "$0")/.."

. .ci/tools
install_tools
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

architecture=$(uname -m | sed 's/aarch64/arm64/')
image=public.ecr.aws/lambda/provided:al2023-$architecture
if ! docker image inspect "$image" >/dev/null 2>&1 && ! docker pull --quiet "$image"; then
    debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" >"$work/debootstrap.log"
    (cd "$work/root" && mkdir -p var/task var/runtime var/rapid opt)
    tar -C "$work/root" -c . | docker import \
        --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' \
        --change 'WORKDIR /var/task' - "$image"
fi
[ -d .aws-sam/build ] || sam build --parameter-overrides "Architecture=$architecture"

# What containers reach this machine at: 127.0.0.1 there is the container. Docker Desktop leads to it from there.
host=127.0.0.1
if [ "$(uname -s)" = Linux ]; then
    host=$(ip -4 -oneline address show docker0 | awk '{print $4}' | cut -d / -f 1)
fi
: "${host:?the bridge docker0 has no address: is Docker running?}"
start_ministack "$host" 4566
export AWS_ENDPOINT_URL=http://$host:4566 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export SAM_CLI_TELEMETRY=0
cargo build --quiet --package assetmill --features aws
target/debug/assetmill init
curl --silent --fail --upload-file localstack/samples/coffee.jpg "$AWS_ENDPOINT_URL/assetmill/samples/coffee.jpg"

sam_local() {
    local command=$1
    shift
    # The SDK in the container is told by localstack/sam-env.json. It is called in shells of its own only, which
    # become `sam`, so that ending them ends it.
    exec env --unset AWS_ENDPOINT_URL sam local "$command" --skip-pull-image \
        --parameter-overrides "Architecture=$architecture" --env-vars localstack/sam-env.json \
        --add-host host.docker.internal:host-gateway "$@"
}
invoke() {
    printf '\n== %s: %s\n' "$1" "$2"
    # The events are written for this machine, where the emulator is at 127.0.0.1.
    sed 's/127\.0\.0\.1/host.docker.internal/' "events/$2" |
        sam_local invoke "$1" --event - 2>"$work/log" | cut -c 1-400 || { cat "$work/log"; exit 1; }
}
invoke ApiFunction api-about.json
invoke ApiFunction api-transform.json
invoke ApiFunction api-batch.json
invoke ResultsFunction results-operations.json
invoke WorkerFunction worker-messages.json
invoke WorkerFunction worker-malformed.json
invoke JanitorFunction janitor-schedule.json

printf '\n== the API and the functions, together\n'
sam_local start-api --warm-containers EAGER >"$work/api.log" 2>&1 &
sam_local start-lambda --warm-containers EAGER >"$work/lambda.log" 2>&1 &
target/debug/assetmill poll --invoke http://127.0.0.1:3001 --worker WorkerFunction --janitor JanitorFunction \
    >"$work/poll.log" 2>&1 &
api=http://127.0.0.1:3000
key='x-api-key: example-key-of-nobody'
curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "$api/health"
curl --silent --fail "$api/api/v1/transform" --header "$key" --header 'content-type: application/json' \
    --data '{"digital_asset_url": "http://host.docker.internal:4566/assetmill/samples/coffee.jpg"}' \
    --output "$work/thumbnail" --write-out '%{http_code} %{content_type} %{size_download} bytes\n'
batch=$(curl --silent --fail "$api/api/v2/transforms" --header "$key" --header 'content-type: application/json' \
    --data '{"digital_asset_urls": ["http://host.docker.internal:4566/assetmill/samples/coffee.jpg?n=2"]}' |
    sed 's/.*"batch_id":"\([^"]*\)".*/\1/')
for _ in $(seq 60); do
    said=$(curl --silent --fail "$api/api/v2/batches/$batch" --header "$key")
    [[ $said == *'"status":"COMPLETED"'* ]] && break
    sleep 1
done
printf '%s\n' "$said"
[[ $said == *'"status":"COMPLETED"'* ]] || { tail -n 30 "$work"/*.log; exit 1; }
