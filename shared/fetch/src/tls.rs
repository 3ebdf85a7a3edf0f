//! TLS of outgoing connections.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore};

/// Read once for all clients: it is a good part of a start.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| Arc::new(roots()));

/// TLS with the ring provider and the machine's root certificates; on a machine that has none (a
/// bare container), with those of Mozilla that are compiled in.
pub(super) fn config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(ROOTS.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Reading the store by hand, and not through the platform's verifier, is what keeps a machine
/// without root certificates from failing at the start.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_, unreadable) = roots.add_parsable_certificates(native.certs);
    if unreadable > 0 {
        tracing::debug!(unreadable, "root certificates that can't be used");
    }
    if roots.is_empty() {
        tracing::info!(
            errors = ?native.errors,
            "the machine has no root certificates; using those compiled in"
        );
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
