//! Names the catalogue that is compiled into the functions: the file that `ASSETMILL_OPERATIONS` says, from the root of
//! the workspace on, or the one that is there.

use std::env;
use std::path::Path;

const VARIABLE: &str = "ASSETMILL_OPERATIONS";
const SHIPPED: &str = "operations.toml";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let given = env::var(VARIABLE).unwrap_or_default();
    let name = if given.is_empty() { SHIPPED } else { &given };
    // Cargo runs this in the folder of the package. An absolute path stays as it is.
    let file = Path::new("../..").join(name);
    println!("cargo::rerun-if-changed={}", file.display());
    if !file.is_file() {
        println!(
            "cargo::error={VARIABLE}={name} is no file; give the path of a catalogue, from the root of the workspace on"
        );
        return;
    }
    // `include_str!` begins at the file that it is written in. Not made absolute, so that a target folder that was
    // copied to another checkout has the catalogue of that one.
    let included = Path::new("../../..").join(name);
    println!(
        "cargo::rustc-env=ASSETMILL_CATALOGUE={}",
        included.display()
    );
    println!("cargo::rustc-env=ASSETMILL_CATALOGUE_NAME={name}");
}
