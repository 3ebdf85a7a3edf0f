//! `assetmill run`: an operation on many files, from a command line.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::assets::{Assets, jpeg};
use crate::support::{Program, client_command};
use crate::vendor::{self, Vendor, catalogue_file, vendor_allow};

/// A folder with photographs in its folder `photos`, where commands run.
fn photographs(count: u32) -> TempDir {
    files(count, jpeg)
}

/// The same of what a vendor takes for one.
fn stubs(count: u32) -> TempDir {
    files(count, stub)
}

fn stub(number: u32) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0][..], &number.to_be_bytes()].concat()
}

fn files(count: u32, content: impl Fn(u32) -> Vec<u8>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for number in 0..count {
        std::fs::write(photos.join(format!("{number}.jpg")), content(number)).unwrap();
    }
    folder
}

/// A run that has a vendor at this URL copy, as this catalogue says.
fn copying<'a>(vendor: &'a str, catalogue: &'a str) -> [&'a str; 10] {
    [
        "--vendor-allow",
        vendor_allow(vendor),
        "--operations",
        catalogue,
        "run",
        "copy",
        "photos",
        "-o",
        "out",
        "--json",
    ]
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = client_command();
    command.current_dir(folder).args(arguments);
    command
}

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().await.unwrap()
}

/// The lines that a command printed, each of which is JSON.
fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// How many sources ended so.
fn ended(output: &Output, state: &str) -> usize {
    let lines = lines(output);
    let ended = lines.iter().filter(|line| line["state"] == state);
    ended.count()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_all_that_it_takes() {
    let folder = photographs(3);
    let photos = folder.path().join("photos");
    std::fs::create_dir(photos.join("more")).unwrap();
    std::fs::write(photos.join("more/again.jpg"), jpeg(1)).unwrap();
    std::fs::write(photos.join("notes.txt"), "no picture").unwrap();
    let arguments = [
        "run",
        "thumbnail",
        "photos",
        "-p",
        "width=8",
        "-p",
        "format=png",
        "--json",
    ];
    let first = run(folder.path(), &arguments).await;
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert_eq!(ended(&first, "COMPLETED"), 4);
    for name in ["0.png", "1.png", "2.png", "more/again.png"] {
        let made = image::open(folder.path().join("thumbnail").join(name)).unwrap();
        assert_eq!(made.width(), 8, "{name}");
    }
    let second = run(folder.path(), &arguments).await;
    assert_eq!(ended(&second, "UNCHANGED"), 4);
    // What changed is done again, and what is gone.
    std::fs::write(photos.join("0.jpg"), jpeg(7)).unwrap();
    std::fs::remove_file(folder.path().join("thumbnail/2.png")).unwrap();
    let third = run(folder.path(), &arguments).await;
    assert_eq!(third.status.code(), Some(0), "{}", stderr(&third));
    assert_eq!(ended(&third, "COMPLETED"), 2);
    assert_eq!(ended(&third, "UNCHANGED"), 2);
    assert!(folder.path().join("thumbnail/2.png").exists());
    // Others take their places, and give them back.
    let mut wider = arguments;
    wider[4] = "width=16";
    for (arguments, width) in [(wider, 16), (arguments, 8)] {
        let output = run(folder.path(), &arguments).await;
        assert_eq!(ended(&output, "COMPLETED"), 4, "{}", stderr(&output));
        let made = image::open(folder.path().join("thumbnail/1.png")).unwrap();
        assert_eq!(made.width(), width);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_with_its_line_and_the_rest_is_done() {
    let folder = photographs(2);
    let assets = Assets::serve().await;
    let list = format!(
        "sku,url\n1,photos/0.jpg\n2,{}\n3,ftp://x/y.jpg\n",
        assets.url("/status/404")
    );
    std::fs::write(folder.path().join("list.csv"), list).unwrap();
    let allow = assets.allow();
    let arguments = [
        "--fetch-allow",
        &allow,
        "run",
        "thumbnail",
        "@list.csv",
        "--json",
        "-o",
        "out",
    ];
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(ended(&output, "COMPLETED"), 1);
    let told = stderr(&output);
    let not_found = format!(
        "list.csv:3: {}: source_not_found: ",
        assets.url("/status/404")
    );
    assert!(told.contains(&not_found), "{told}");
    let failed = lines(&output).into_iter().find_map(|line| {
        line["flow_id"]
            .as_str()
            .map(str::to_owned)
            .filter(|_| line["state"] == "FAILED")
    });
    let flow = format!("(flow {})", failed.unwrap());
    assert!(told.contains(&flow), "{told}");
    assert!(
        told.contains("list.csv:4: ftp://x/y.jpg: invalid_url: "),
        "{told}"
    );
    let failed: Vec<_> = lines(&output)
        .into_iter()
        .filter(|line| line["state"] == "FAILED")
        .map(|line| line["line"]["number"].as_u64())
        .collect();
    assert_eq!(failed.len(), 2);
    assert!(
        failed.contains(&Some(3)) && failed.contains(&Some(4)),
        "{failed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_run_is_said_and_leaves_nothing() {
    let folder = photographs(1);
    for (arguments, code, said) in [
        (
            &["run", "thumbnial", "photos"][..],
            1,
            "there is no operation thumbnial; there are",
        ),
        (
            &["run", "remove-background", "photos"],
            1,
            "REMOVE_BG_API_KEY",
        ),
        (&["run", "thumbnail", "nowhere"], 1, "nowhere: No such file"),
        (
            &["run", "thumbnail", "photos", "--include", "*.tif"],
            1,
            "--include",
        ),
        (
            &["run", "thumbnail", "photos", "-p", "width"],
            1,
            "write -p name=value",
        ),
        (&["run", "thumbnail"], 2, "Usage: assetmill run"),
        (
            &["run", "thumbnail", "photos", "--name", "{x}"],
            2,
            "{x} stands for nothing",
        ),
    ] {
        let output = run(folder.path(), arguments).await;
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(said), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let output = run(
        folder.path(),
        &["run", "thumbnail", "photos", "-p", "width=0"],
    )
    .await;
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("invalid_params: width must be"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_others_is_written_over() {
    let folder = photographs(2);
    let made = folder.path().join("photos/1.png");
    std::fs::write(&made, "somebody's").unwrap();
    let arguments = [
        "run",
        "convert",
        "photos/1.jpg",
        "-p",
        "format=png",
        "-o",
        "photos",
    ];
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("photos/1.png is there already"));
    assert_eq!(std::fs::read(&made).unwrap(), b"somebody's");
    let forced = [&arguments[..], &["--force"]].concat();
    let output = run(folder.path(), &forced).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(image::open(&made).is_ok());
}

/// Vendors that heed a reference of their caller charge once for it, however often it comes.
#[derive(Clone, Default)]
struct Once(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl Once {
    async fn serve() -> (Self, String) {
        let once = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let charge = async |State(once): State<Self>, headers: HeaderMap, body: Bytes| {
            let reference = headers["idempotency-key"].to_str().unwrap().to_owned();
            once.0.lock().unwrap().insert(reference, body.to_vec());
            // A vendor takes its time, so that a kill finds calls in flight.
            tokio::time::sleep(Duration::from_millis(20)).await;
            body
        };
        let router = Router::new()
            .route("/copy", post(charge))
            .with_state(once.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (once, url)
    }

    /// How often each source was charged.
    fn charges(&self) -> HashMap<Vec<u8>, u32> {
        let mut charges = HashMap::new();
        for source in self.0.lock().unwrap().values() {
            *charges.entry(source.clone()).or_default() += 1;
        }
        charges
    }

    fn catalogue(url: &str) -> NamedTempFile {
        let mut file = NamedTempFile::with_suffix(".toml").unwrap();
        write!(
            file,
            "default = \"copy\"\n[operations.copy]\nsummary = \"Copies\"\n[operations.copy.vendor]\nmethod = \"POST\"
             url = \"{url}copy\"\nresend = \"always\"\nheaders = {{ \"Idempotency-Key\" = \"{{call:reference}}\" }}
             encoding = \"raw\"\nasset = {{ as = \"file\" }}\nresult = {{ kind = \"body\" }}\n"
        )
        .unwrap();
        file
    }
}

/// Starts a command, and kills it once so many of its sources have their output.
async fn killed_after(mut command: Command, completed: usize) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = 0;
    while seen < completed {
        let line = said.next_line().await.unwrap().expect("it ended too soon");
        seen += usize::from(line.contains("\"COMPLETED\""));
    }
    child.kill().await.unwrap();
}

/// Every output, and nothing that was left half done.
fn all_there(folder: &Path, count: u32) {
    let made = std::fs::read_dir(folder.join("out")).unwrap().count();
    assert_eq!(made, count as usize + 1);
    let parts = std::fs::read_dir(folder.join("out/.assetmill/parts")).unwrap();
    assert_eq!(parts.count(), 0);
    for number in 0..count {
        let made = folder.join(format!("out/{number}.jpg"));
        assert_eq!(std::fs::read(made).unwrap(), stub(number), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_ten_times_it_has_every_output_and_paid_for_each_once() {
    const FILES: u32 = 1_000;
    let (once, url) = Once::serve().await;
    let catalogue = Once::catalogue(&url);
    let folder = stubs(FILES);
    let path = catalogue.path().display().to_string();
    let arguments = copying(&url, &path);
    for kill in 0..10 {
        killed_after(command(folder.path(), &arguments), 1 + 17 * kill).await;
    }
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    all_there(folder.path(), FILES);
    let charges = once.charges();
    assert_eq!(charges.len(), FILES as usize);
    assert!(charges.values().all(|charges| *charges == 1), "{charges:?}");
}

/// Whoever is killed here has its flows go on there, and finds them again.
#[tokio::test(flavor = "multi_thread")]
async fn killed_ten_times_beside_a_server_it_has_every_output_and_paid_for_each_once() {
    const FILES: u32 = 1_000;
    let (vendor, url) = Vendor::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let program = vendor::start(&assets, &url, &catalogue, "open sesame").await;
    let folder = stubs(FILES);
    let server = program.url("/");
    let arguments = [
        "run", "copy", "photos", "-o", "out", "--json", "--server", &server,
    ];
    for kill in 0..10 {
        killed_after(command(folder.path(), &arguments), kill).await;
    }
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    all_there(folder.path(), FILES);
    for number in 0..FILES {
        assert_eq!(vendor.calls(&stub(number)), 1, "{number}");
    }
}

/// A vendor that knows no references is not paid twice unasked; what may have been paid for in vain is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_is_not_made_again_unasked() {
    const FILES: u32 = 100;
    let (vendor, url) = Vendor::serve().await;
    let catalogue = catalogue_file(&url);
    let folder = stubs(FILES);
    let path = catalogue.path().display().to_string();
    let arguments = copying(&url, &path);
    let with_key = |arguments: &[&str]| {
        let mut command = command(folder.path(), arguments);
        command.env("VENDOR_KEY", "open sesame");
        command
    };
    killed_after(with_key(&arguments), 1).await;
    for _ in 0..2 {
        let output = with_key(&arguments).output().await.unwrap();
        let cut_off = ended(&output, "FAILED");
        let (code, said) = match cut_off {
            0 => (0, ""),
            _ => (3, "may have been paid for without an output"),
        };
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!((0..FILES).all(|number| vendor.calls(&stub(number)) <= 1));
    }
    let asked = [&arguments[..], &["--retry-unconfirmed"]].concat();
    let output = with_key(&asked).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    all_there(folder.path(), FILES);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn interrupted_it_ends_well_and_goes_on() {
    const FILES: u32 = 200;
    let (vendor, url) = Vendor::serve().await;
    let catalogue = catalogue_file(&url);
    let folder = stubs(FILES);
    let path = catalogue.path().display().to_string();
    let arguments = [&["--workers", "8"], &copying(&url, &path)[..]].concat();
    let start = || {
        let mut command = command(folder.path(), &arguments);
        command
            .env("VENDOR_KEY", "open sesame")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    };
    let mut child = start().spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    said.next_line().await.unwrap().unwrap();
    let id = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let mut rest = Vec::new();
    while let Some(line) = said.next_line().await.unwrap() {
        rest.push(line);
    }
    let summary: Value = serde_json::from_str(rest.last().unwrap()).unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert_eq!(summary["summary"]["interrupted"], true, "{summary}");
    assert!(stderr(&output).contains("the same command goes on"));
    let output = start().output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    all_there(folder.path(), FILES);
    assert!((0..FILES).all(|number| vendor.calls(&stub(number)) == 1));
}

/// Where Assetmill is elsewhere, files are sent there; what was sent is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_sent_files_and_told_urls() {
    let program = Program::start(&[]).await;
    let folder = photographs(2);
    // More than is sent at once.
    let large = image::RgbImage::from_fn(1_500, 1_000, |x, y| {
        image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7])
    });
    large.save(folder.path().join("photos/large.bmp")).unwrap();
    let url = program.url("/samples/coffee.jpg");
    let server = program.url("/");
    let arguments = [
        "run",
        "thumbnail",
        "photos",
        &url,
        "-o",
        "out",
        "--json",
        "--server",
        &server,
    ];
    let output = run(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let host = url.split('/').nth(2).unwrap().replace(':', "_");
    let host = host.split('_').next().unwrap();
    for name in [
        "large.png",
        "0.jpg",
        "1.jpg",
        &format!("{host}/samples/coffee.jpg"),
    ] {
        assert!(
            image::open(folder.path().join("out").join(name)).is_ok(),
            "{name}"
        );
    }
    let nobody = [
        "run",
        "thumbnail",
        "photos",
        "-o",
        "out",
        "--server",
        "http://127.0.0.1:9/",
    ];
    let output = run(folder.path(), &nobody).await;
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(
        told.contains("http://127.0.0.1:9/ does not answer"),
        "{told}"
    );
}
