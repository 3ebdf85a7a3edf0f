//! `assetmill run` where something is in the way.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::assets::jpeg;
use crate::support::client_command;

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = client_command();
    command.current_dir(folder).args(arguments);
    command.output().await.unwrap()
}

fn folder_with(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, name) in (0..).zip(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, jpeg(number)).unwrap();
    }
    folder
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// How many sources ended so, of those that a command told of in JSON.
fn ended(output: &Output, state: &str) -> usize {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["state"] == state).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_out_is_no_source_however_its_folder_is_spelt() {
    let folder = folder_with(&["photos/a.jpg", "photos/b/c.jpg"]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("photos", folder.path().join("link")).unwrap();
    for (source, out) in [
        ("photos", "photos/../photos/small"),
        ("photos", "photos/small"),
        #[cfg(unix)]
        ("link", "photos/small"),
    ] {
        let arguments = ["run", "thumbnail", source, "-o", out, "--json"];
        let output = run(folder.path(), &arguments).await;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let sources = ended(&output, "COMPLETED") + ended(&output, "UNCHANGED");
        assert_eq!(sources, 2, "{source} into {out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_place_no_source_is_written_over_and_no_output_is_done_again() {
    let folder = folder_with(&["a.jpg"]);
    let arguments = [
        "run",
        "convert",
        ".",
        "-o",
        ".",
        "-p",
        "format=webp",
        "--json",
    ];
    for (state, count) in [("COMPLETED", 1), ("UNCHANGED", 1)] {
        let output = run(folder.path(), &arguments).await;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(ended(&output, state), count);
    }
    let over = ["run", "thumbnail", "a.jpg", "-o", ".", "--force", "--json"];
    let output = run(folder.path(), &over).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("a.jpg is a source itself"),
        "{}",
        stderr(&output)
    );
    assert_eq!(std::fs::read(folder.path().join("a.jpg")).unwrap(), jpeg(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_does_not_take_the_place_of_another() {
    let folder = folder_with(&["a/1.jpg", "b/1.jpg"]);
    let output = run(folder.path(), &["run", "thumbnail", "a", "-o", "out"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = run(folder.path(), &["run", "thumbnail", "b", "-o", "out"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("out/1.jpg is there already"),
        "{}",
        stderr(&output)
    );
    // In one command their folders tell them apart.
    let both = [
        "run",
        "thumbnail",
        "a/1.jpg",
        "b/1.jpg",
        "-o",
        "both",
        "--json",
    ];
    let output = run(folder.path(), &both).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(ended(&output, "COMPLETED"), 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_keeps_no_other_from_being_done() {
    let folder = folder_with(&["photos/a.jpg", "photos/z.jpg"]);
    let photos = folder.path().join("photos");
    std::os::unix::fs::symlink("nowhere", photos.join("dangling.jpg")).unwrap();
    std::os::unix::fs::symlink(".", photos.join("loop")).unwrap();
    let fifo = photos.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    std::fs::write(
        folder.path().join("list"),
        "photos/fifo\n/dev/zero\nphotos/a.jpg\n",
    )
    .unwrap();
    for (source, failures) in [("photos", 2), ("@list", 2)] {
        let arguments = ["run", "thumbnail", source, "-o", "out", "--json"];
        let output = run(folder.path(), &arguments).await;
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert_eq!(ended(&output, "FAILED"), failures, "{}", stderr(&output));
        assert!(stderr(&output).contains("unreadable_file"));
    }
    assert!(folder.path().join("out/z.jpg").exists());
    let output = run(
        folder.path(),
        &["run", "thumbnail", "@/dev/zero", "-o", "out"],
    )
    .await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("larger than 64 MiB"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_read_with_care() {
    let folder = folder_with(&["photos/grün.jpg"]);
    let arguments = ["run", "thumbnail", "photos", "-o", "out", "--json"];
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let journal = folder.path().join("out/.assetmill/runs.ndjson");
    let whole = std::fs::read(&journal).unwrap();
    let letter = whole.iter().position(|byte| *byte == 0xc3).unwrap();
    std::fs::write(&journal, &whole[..=letter]).unwrap();
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = std::fs::read_to_string(&journal).unwrap();
    let hostile = text.replace("\"name\":\"grün\"", "\"name\":\"../../grün\"");
    assert_ne!(text, hostile);
    std::fs::write(&journal, hostile).unwrap();
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("leads out of the folder"),
        "{}",
        stderr(&output)
    );
}

/// A server that takes what is asked and never answers what was begun.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_silent_holds_nobody() {
    use axum::Router;
    use axum::routing::{any, get};
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let operations = r#"{"operations": [{"name": "thumbnail", "summary": "", "params": {}, "available": true, "paid": false}]}"#;
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new()
        .route("/api/v2/operations", get(async move || operations))
        .fallback(any(async move || {
            asked.send(()).unwrap();
            std::future::pending::<()>().await;
        }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = folder_with(&["a.jpg"]);
    let mut child = client_command()
        .current_dir(folder.path())
        .args([
            "run",
            "thumbnail",
            "a.jpg",
            "-o",
            "out",
            "--server",
            &server,
            "--json",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    was_asked.recv().await.unwrap();
    let id = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    // It waits a moment for what was in work, unless it is told again.
    let told = said.next_line().await.unwrap().unwrap();
    assert!(told.contains("Stopping"), "{told}");
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
}
