# What CI runs.
check:
    bash .ci/run

# The tests.
test:
    cargo test --workspace

# Writes the OpenAPI document anew, after the API changed.
openapi:
    ASSETMILL_WRITE_OPENAPI=1 cargo test -p assetmill --test openapi

# Time, size, likeness and memory of the built-in transforms on a photograph, beside sharp's, on one core.
bench-images photograph:
    cargo build --release --package assetmill-operations --example images --features simd
    taskset -c 0 target/release/examples/images {{photograph}}
