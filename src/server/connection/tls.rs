//! TLS configuration for HTTPS: a certificate chain and its private key, read again when their files change.
//!
//! Invariant: a certificate and key that do not work never replace ones that do.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::{self, ServerConfig};

/// The TLS configuration of a server.
///
/// ```
/// use clade::server::app::{Exposure, Tls};
///
/// # let folder = tempfile::tempdir()?;
/// # let [certificate, key] = ["corp.pem", "corp.key"].map(|name| folder.path().join(name));
/// let made = rcgen::generate_simple_self_signed(["clade.corp.example".to_owned()])?;
/// std::fs::write(&certificate, made.cert.pem())?;
/// std::fs::write(&key, made.signing_key.serialize_pem())?;
/// let exposure = Exposure { tls: Some(Tls::read(&certificate, &key)?), ..Exposure::default() };
/// let swapped = Tls::read(&key, &certificate).unwrap_err();
/// assert!(swapped.to_string().ends_with("contains no PEM certificate"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It follows the files: a connection that is accepted after they changed gets the new certificate. If the new files cannot
/// be used, this is logged, and the old certificate stays.
#[derive(Clone)]
pub struct Tls(Arc<Watched>);

struct Watched {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<ServerConfig>,
    /// The state of both files when they were last read.
    seen: Mutex<[Option<FileState>; 2]>,
}

/// What shows that a file was changed or replaced.
type FileState = (Option<SystemTime>, u64, u64);

// By hand, so that nothing of the private key can get into a log.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// An error of the TLS configuration. Its message names the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoTls(String);

impl Tls {
    /// Reads a certificate, followed by its intermediate certificates, and its private key, both in PEM.
    ///
    /// # Errors
    /// A message that says what is wrong with which file.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, NoTls> {
        // Before the files are read: if they change meanwhile, they are read again.
        let seen = [certificate, key].map(state);
        let current = ArcSwap::from_pointee(config(certificate, key)?);
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self(Arc::new(Watched { certificate, key, current, seen: Mutex::new(seen) })))
    }

    /// The acceptor for one connection, with the certificate that the files have now.
    pub(in crate::server) fn acceptor(&self) -> TlsAcceptor {
        self.0.follow();
        TlsAcceptor::from(self.0.current.load_full())
    }
}

impl Watched {
    /// Reads the files again if they changed.
    // Two calls of the system for each connection, which are nothing beside its handshake.
    fn follow(&self) {
        let now = [&*self.certificate, &*self.key].map(state);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return;
            }
            *seen = now;
        }
        let certificate = self.certificate.display();
        match config(&self.certificate, &self.key) {
            Ok(config) => {
                self.current.store(Arc::new(config));
                tracing::info!(%certificate, "the TLS certificate was read again");
            }
            // Normal for a moment while the two files are being replaced. Each change is a new attempt.
            Err(why) => {
                tracing::warn!(error = %why, "the changed TLS certificate cannot be used; the old one stays");
            }
        }
    }
}

fn state(file: &Path) -> Option<FileState> {
    let found = fs::metadata(file).ok()?;
    Some((found.modified().ok(), found.len(), found.ino()))
}

fn config(certificate: &Path, key: &Path) -> Result<ServerConfig, NoTls> {
    let chain =
        pem_of(certificate, |text| CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>())?;
    // PEM items of other kinds are skipped, so a file with a key alone is read without an error.
    if chain.is_empty() {
        return Err(NoTls(format!("{} contains no PEM certificate", certificate.display())));
    }
    let secret = pem_of(key, PrivateKeyDer::from_pem_slice)?;
    // Explicitly, since the process-wide default panics if a dependency enables a second provider.
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|why| NoTls(mismatch(certificate, key, &why)))?;
    // In order of preference. Without ALPN, clients never use HTTP/2 over TLS.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn pem_of<T>(file: &Path, read: impl FnOnce(&[u8]) -> Result<T, pem::Error>) -> Result<T, NoTls> {
    let text = fs::read(file).map_err(|why| NoTls(format!("{} cannot be read: {why}", file.display())))?;
    read(&text).map_err(|why| match why {
        pem::Error::NoItemsFound => NoTls(format!("{} contains no PEM private key", file.display())),
        other => NoTls(format!("{} is not valid PEM: {other}", file.display())),
    })
}

fn mismatch(certificate: &Path, key: &Path, why: &rustls::Error) -> String {
    let (certificate, key) = (certificate.display(), key.display());
    match why {
        rustls::Error::InconsistentKeys(_) => {
            format!("the key in {key} does not belong to the certificate in {certificate}")
        }
        other => format!("{certificate} and {key} cannot be used for TLS: {other}"),
    }
}
