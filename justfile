# What CI runs.
check:
    bash .ci/run

# What is worth asking after every change: under three minutes, once it was asked before.
quick:
    bash .ci/quick

# The tests.
test:
    cargo test --workspace

# Writes the OpenAPI document anew, after the API changed.
openapi:
    ASSETMILL_WRITE_OPENAPI=1 cargo test -p assetmill-api --test openapi

# Time, size, likeness and memory of the built-in transforms on a photograph, beside sharp's, on one core.
bench-images photograph:
    cargo build --release --package assetmill-images --example sharp --features simd
    taskset -c 0 target/release/examples/sharp {{photograph}}

# What codec processes cost: a thumbnail of 12 megapixels with and without, in turns.
bench-wall *photograph:
    cargo run --release --package assetmill-images --example wall -- {{photograph}}

# The console: its types, and its buttons in Debian's Chromium, which is installed if it is not there.
console:
    bash .ci/console

# Clients that are generated from the document, and what docs/clients.md shows of them.
clients:
    bash .ci/clients

# The table of docs/limits.md, made anew: some minutes of a core, and 2 GiB.
limits:
    ASSETMILL_WRITE_LIMITS=1 cargo test --release -p assetmill-images --test wall -- the_table_of_limits

# One tenant does everything that used to stop the service: says what another notices of it. Two minutes.
hostile:
    cargo build --release --package assetmill
    cargo run --release --package assetmill --example hostile -- target/release/assetmill

# Flows a second on one machine; of other programs too, in turns, if they are named.
bench-throughput *others:
    cargo build --release --package assetmill
    python3 localstack/throughput.py target/release/assetmill {{others}}

# Whether a flow costs more where there are many: of 1,000 and of 100,000.
bench-growth:
    cargo build --release --package assetmill
    python3 localstack/throughput.py target/release/assetmill --flows 1000 100000

# Assets a second through a vendor, of v2 and v1, and, if it is given a Python that has what the example says, of a Redis
# queue and FastAPI beside it.
bench-queue *python:
    cargo build --release --package assetmill
    cargo run --release --package assetmill --example bench_queue -- target/release/assetmill {{python}}

# What a tenant notices of another, of whose flows 20,000 wait for a slow vendor.
bench-fairness:
    cargo build --release --package assetmill
    python3 localstack/fairness.py target/release/assetmill

# From the start of the program to its first answer that it is ready.
bench-start:
    cargo build --release --package assetmill
    python3 localstack/start-times.py

# Every function under `sam local`, in containers, by hand: localstack/sam-local.sh says what it needs.
sam-local:
    bash localstack/sam-local.sh

# That vendors of 10 to 300 seconds are called once for each asset, by functions that are frozen and on one machine: six
# minutes.
frozen:
    python3 localstack/frozen.py

# A folder of 10,000 small pictures, beside sharp-cli and vipsthumbnail where they are installed.
bench-pictures *others:
    cargo build --release --package assetmill
    python3 localstack/pictures.py target/release/assetmill {{others}}
