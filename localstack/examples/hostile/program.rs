//! The program under attack.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

pub(crate) const VICTIM: &str = "key-of-the-tenant-that-works";
pub(crate) const HOSTILE: &str = "key-of-the-hostile-tenant";

/// The operation of a vendor that answers with what it was sent, twice.
pub(crate) const ECHO: &str = "echo";

fn echo(vendor: SocketAddr) -> String {
    format!(
        r#"
[operations.{ECHO}]
summary = "Copies twice"
paid = false
[operations.{ECHO}.vendor]
method = "POST"
url = "http://{vendor}/echo"
encoding = "raw"
asset = {{ as = "file" }}
result = {{ kind = "body" }}
"#
    )
}

pub(crate) struct Program {
    pub(crate) base: String,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    child: Child,
    peak: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// With the operations that come with it, and one of a vendor at this address.
    pub(crate) fn start(path: &str, vendor: SocketAddr) -> Self {
        // `reqwest` is built without a TLS provider of its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let operations = folder.path().join("operations.toml");
        let known = include_str!("../../../operations.toml");
        fs::write(&operations, format!("{known}{}", echo(vendor))).unwrap();
        let child = Command::new(path)
            .args(["--listen", &address.to_string()])
            .args(["--fetch-allow", "127.0.0.1", "--vendor-allow", "127.0.0.1"])
            .arg("--operations")
            .arg(operations)
            .args(["--api-keys", &format!("works:{VICTIM},hostile:{HOSTILE}")])
            .args(["--log", "error"])
            .arg("--data")
            .arg(folder.path().join("data"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let peak = Arc::new(AtomicU64::new(0));
        let (seen, pid) = (peak.clone(), child.id());
        std::thread::spawn(move || {
            while resident(pid) > 0 {
                seen.fetch_max(resident(pid), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self {
            base: format!("http://{address}"),
            address,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            child,
            peak,
            _folder: folder,
        }
    }

    pub(crate) async fn ready(&self) {
        while self
            .client
            .get(format!("{}/health", self.base))
            .send()
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn post(
        &self,
        key: &str,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let request = self.client.post(format!("{}{path}", self.base));
        request.bearer_auth(key).json(body).send().await
    }

    /// The most bytes that it and its codec processes had at the same time.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    pub(crate) fn is_alive(&self) -> bool {
        resident(self.child.id()) > 0
    }
}

/// The resident bytes of a process and its children; 0 once it is gone.
fn resident(pid: u32) -> u64 {
    let children = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let children = children.flatten().flat_map(|task| {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect::<Vec<u32>>()
    });
    std::iter::once(pid).chain(children).map(own_resident).sum()
}

fn own_resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|it| it.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
