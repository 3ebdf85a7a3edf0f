# What CI runs.
check:
    bash .ci/run

# The tests.
test:
    cargo test --workspace

# Writes the OpenAPI document anew, after the API changed.
openapi:
    ASSETMILL_WRITE_OPENAPI=1 cargo test -p assetmill --test openapi
