//! What the program says of itself.

use std::collections::BTreeSet;

use tokio::process::Command;

use crate::commands::{client, printed, run};

#[tokio::test(flavor = "multi_thread")]
async fn shells_complete_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&run(folder.path(), &["completions", shell]).await, 0);
        for word in ["batches", "deliveries", "follow"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        if shell == "bash" {
            let path = folder.path().join("completions.bash");
            std::fs::write(&path, script).unwrap();
            let asked = format!("source {} && complete -p assetmill", path.display());
            let told = Command::new("bash").args(["-c", &asked]).output().await;
            let told = String::from_utf8(told.unwrap().stdout).unwrap();
            assert!(told.contains("-F _assetmill"), "{told}");
        }
    }
    printed(&run(folder.path(), &["completions", "sh"]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_has_a_page_and_no_secret_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    let arguments = ["man", "--dir", &pages.display().to_string()];
    let mut write = client(folder.path(), &arguments);
    let output = write
        .env("ASSETMILL_KEY", "hunter2")
        .output()
        .await
        .unwrap();
    assert_eq!(printed(&output, 0), "");
    let mut names = BTreeSet::new();
    for page in std::fs::read_dir(&pages).unwrap() {
        let path = page.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(".TH "), "{}", path.display());
        assert!(!text.contains("hunter2"), "{}", path.display());
        names.insert(path.file_name().unwrap().display().to_string());
    }
    for name in [
        "",
        "-batches",
        "-operation-try",
        "-key-create",
        "-webhook-listen",
    ] {
        let name = format!("assetmill{name}.1");
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let page = printed(&run(folder.path(), &["man"]).await, 0);
    assert!(page.contains(".TH assetmill 1"), "{page}");
}

/// Whoever adds a command says in docs/cli.md what it does.
#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_has_every_command() {
    let documentation = include_str!("../../../docs/cli.md");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let arguments = ["man", "--dir", &pages.display().to_string()];
    printed(&run(folder.path(), &arguments).await, 0);
    for page in std::fs::read_dir(&pages).unwrap() {
        let path = page.unwrap().path();
        let name = path.file_stem().unwrap().display().to_string();
        // Of the program itself the README tells.
        if name == "assetmill" || name.contains("-help") {
            continue;
        }
        let command = name.replace('-', " ");
        assert!(documentation.contains(&command), "{command}");
    }
}
