//! The program under test, and a client that talks to it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use crate::assets::Assets;

/// A running `assetmill`. Dropping it kills it; but where `ASSETMILL_TEST_URL` names a deployed one, it
/// is that, whatever the options, and they are tests of what does not depend on them.
pub(crate) struct Program {
    process: Option<Process>,
    samples: Option<Assets>,
    base: String,
    address: String,
    client: reqwest::Client,
    pub(crate) folder: Arc<TempDir>,
    options: Vec<String>,
    environment: Vec<(String, String)>,
}

/// Where the log goes of a program that is started with a filter for it.
const LOG: &str = "log";

struct Process {
    child: Child,
    // Dropping it would break the pipe that the program prints to.
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts the program on a new folder, with these options.
    pub(crate) async fn start(options: &[&str]) -> Self {
        Self::start_with(options, &[]).await
    }

    /// Starts the program on a new folder, with these options and environment variables.
    pub(crate) async fn start_with(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let options = options.iter().map(ToString::to_string).collect();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self::start_in(folder, options, environment).await
    }

    /// Starts the program on a folder that somebody else left, with these options.
    pub(crate) async fn start_on(folder: TempDir, options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        Self::start_in(Arc::new(folder), options, Vec::new()).await
    }

    /// Starts the program again on its folder, after it ended.
    pub(crate) async fn start_again(self) -> Self {
        let folder = self.folder.clone();
        let (options, environment) = (self.options.clone(), self.environment.clone());
        drop(self);
        Self::start_in(folder, options, environment).await
    }

    async fn start_in(
        folder: Arc<TempDir>,
        options: Vec<String>,
        environment: Vec<(String, String)>,
    ) -> Self {
        if let Ok(base) = std::env::var("ASSETMILL_TEST_URL") {
            return Self {
                process: None,
                samples: Some(Assets::serve().await),
                address: base.trim_start_matches("http://").to_owned(),
                base,
                client: deployed::client(),
                folder,
                options,
                environment,
            };
        }
        let mut command = command(folder.path());
        if environment.iter().any(|(name, _)| name == "ASSETMILL_LOG") {
            let log = std::fs::File::create(folder.path().join(LOG)).unwrap();
            command.stderr(log);
        }
        let mut child = command
            .args(&options)
            .envs(environment.clone())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        let base = loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).await.unwrap();
            assert_ne!(read, 0, "the program ended before it said where its API is");
            if let Some((_, listening)) = line.trim().split_once("is listening on ") {
                listening.clone_into(&mut address);
            }
            if let Some(url) = line.trim().strip_prefix("API ") {
                break url.trim().trim_end_matches('/').to_owned();
            }
        };
        Self {
            process: Some(Process { child, output }),
            samples: None,
            base,
            address,
            client: client(),
            folder,
            options,
            environment,
        }
    }

    /// The URL of a path. A deployed Assetmill has no samples.
    pub(crate) fn url(&self, path: &str) -> String {
        if let Some(samples) = &self.samples
            && path.starts_with("/samples/")
        {
            return samples.url(path);
        }
        format!("{}{path}", self.base)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).json(body);
        request.send().await.unwrap()
    }

    /// Posts JSON; the status and the body of the answer.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        json_of(self.post(path, body).await).await
    }

    /// Gets JSON; the status and the body of the answer.
    pub(crate) async fn get_json(&self, path: &str) -> (StatusCode, Value) {
        let request = self.request(Method::GET, path);
        json_of(request.send().await.unwrap()).await
    }

    /// Fetches any URL as a plain client would.
    pub(crate) async fn fetch(&self, url: &str) -> Response {
        client().get(url).send().await.unwrap()
    }

    /// Starts a batch of these URLs; its answer.
    pub(crate) async fn start_batch(&self, body: &Value) -> Value {
        let (status, started) = self.post_json("/api/v2/transforms", body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{started}");
        started
    }

    /// The results of a batch's flows, now.
    pub(crate) async fn results(&self, started: &Value) -> Value {
        let ids = &started["flow_ids"];
        let (status, results) = self.post_json("/api/v2/transforms/results", ids).await;
        assert_eq!(status, StatusCode::OK, "{results}");
        results
    }

    /// The results of a batch's flows, once `enough` says so. Gives up when the test does.
    pub(crate) async fn results_when(
        &self,
        started: &Value,
        enough: impl Fn(&Value) -> bool,
    ) -> Value {
        self.results_within(std::time::Duration::from_mins(2), started, enough)
            .await
    }

    /// As [`results_when`](Self::results_when), for as long as this.
    pub(crate) async fn results_within(
        &self,
        patience: std::time::Duration,
        started: &Value,
        enough: impl Fn(&Value) -> bool,
    ) -> Value {
        let until_enough = async {
            loop {
                let results = self.results(started).await;
                if enough(&results) {
                    return results;
                }
            }
        };
        if let Ok(results) = tokio::time::timeout(patience, until_enough).await {
            return results;
        }
        panic!("not in time: {}", self.results(started).await["counts"])
    }

    /// The results of a batch's flows, once all are settled.
    pub(crate) async fn settled(&self, started: &Value) -> Value {
        self.results_when(started, |results| results["status"] != json!("RUNNING"))
            .await
    }

    /// The batch, once it is told as complete: a moment after the last of its flows has settled.
    pub(crate) async fn completed(&self, started: &Value) -> Value {
        let path = format!("/api/v2/batches/{}", started["batch_id"].as_str().unwrap());
        let until_told = async {
            loop {
                let (_, batch) = self.get_json(&path).await;
                if batch["completed_at"].is_string() {
                    return batch;
                }
            }
        };
        let patience = std::time::Duration::from_mins(2);
        if let Ok(batch) = tokio::time::timeout(patience, until_told).await {
            return batch;
        }
        panic!("not complete in time: {}", self.get_json(&path).await.1)
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub(crate) async fn kill(&mut self) {
        self.process().child.kill().await.unwrap();
    }

    /// Sends SIGTERM; what the program printed after it, and how it ended.
    pub(crate) async fn terminate(&mut self) -> (String, ExitStatus) {
        let first = self.next_line_after_terminate().await;
        let (rest, status) = self.ended().await;
        (format!("{first}\n{rest}"), status)
    }

    /// Sends SIGTERM; the line that tells that it came.
    pub(crate) async fn next_line_after_terminate(&mut self) -> String {
        let process = self.process();
        let pid = process.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(sent.unwrap().success());
        loop {
            let mut line = String::new();
            let read = process.output.read_line(&mut line).await.unwrap();
            if read == 0 || line.starts_with("Stopping") {
                return line.trim_end().to_owned();
            }
        }
    }

    /// What the program prints until it ends, and how it ends.
    pub(crate) async fn ended(&mut self) -> (String, ExitStatus) {
        let process = self.process();
        let mut printed = String::new();
        process.output.read_to_string(&mut printed).await.unwrap();
        (printed, process.child.wait().await.unwrap())
    }

    /// What it has logged, where it was started with a filter for its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG)).unwrap()
    }

    /// Opens a connection to it, as bare as a client can have one.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Which process it is.
    pub(crate) fn pid(&self) -> u32 {
        let process = self.process.as_ref().expect("a process of the tests");
        process.child.id().unwrap()
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a process of the tests")
    }
}

/// The program on a folder and a free port, with nothing of this process's configuration.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = client_command();
    command
        .env("ASSETMILL_LOG", "warn")
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(folder);
    command
}

/// The program, with nothing said.
pub(crate) fn client_command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assetmill"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ASSETMILL_")) {
        command.env_remove(name);
    }
    command
}

/// A client that follows no redirect.
pub(crate) fn client() -> reqwest::Client {
    builder().build().unwrap()
}

fn builder() -> reqwest::ClientBuilder {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

/// An Assetmill that was deployed, to an emulator on this machine.
mod deployed {
    use std::net::ToSocketAddrs as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use reqwest::header::{HeaderMap, HeaderValue};

    static TENANTS: AtomicUsize = AtomicUsize::new(0);

    /// A client of another tenant each time, as long as there are any: each test is alone. Emulators call an API
    /// `{id}.execute-api.localhost`, which not every resolver knows to be this machine.
    pub(super) fn client() -> reqwest::Client {
        let base: url::Url = std::env::var("ASSETMILL_TEST_URL")
            .unwrap()
            .parse()
            .unwrap();
        let keys = std::env::var("ASSETMILL_TEST_KEYS").unwrap();
        let tenant = TENANTS.fetch_add(1, Ordering::Relaxed);
        let entry = keys.split(',').nth(tenant).expect("as many keys as tests");
        let (_, key) = entry.split_once(':').unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_str(key).unwrap());
        let port = base.port_or_known_default().unwrap();
        let here = ("127.0.0.1", port).to_socket_addrs().unwrap().next();
        super::builder()
            .default_headers(headers)
            .resolve(base.host_str().unwrap(), here.unwrap())
            .build()
            .unwrap()
    }
}

async fn json_of(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text);
    (
        status,
        body.unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}

/// Whether a batch counts what the results of its flows count.
pub(crate) fn assert_same_counts(batch: &Value, results: &Value) {
    let mut counts = results["counts"].clone();
    // Every flow of a batch is found.
    counts.as_object_mut().unwrap().remove("not_found");
    assert_eq!(batch["counts"], counts, "{batch}");
}

/// The media type and the size of a picture.
pub(crate) fn picture(content: &[u8]) -> (image::ImageFormat, u32, u32) {
    let format = image::guess_format(content).unwrap();
    let picture = image::load_from_memory(content).unwrap();
    (format, picture.width(), picture.height())
}
