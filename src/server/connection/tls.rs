//! HTTPS: a certificate and its key, read once at the start.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::{self, ServerConfig};

/// What HTTPS is spoken with.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Why HTTPS cannot be spoken, in words that name the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoTls(String);

impl Tls {
    /// Reads a certificate, with those that lead to its authority behind it, and its private key, both as PEM.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, NoTls> {
        let chain =
            pem_of(certificate, |text| CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>())?;
        if chain.is_empty() {
            return Err(NoTls(format!("{} holds no certificate in PEM", certificate.display())));
        }
        let secret = pem_of(key, PrivateKeyDer::from_pem_slice)?;
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|why| NoTls(mismatch(certificate, key, &why)))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(in crate::server) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

fn pem_of<T>(file: &Path, read: impl FnOnce(&[u8]) -> Result<T, pem::Error>) -> Result<T, NoTls> {
    let text = fs::read(file).map_err(|why| NoTls(format!("{} cannot be read: {why}", file.display())))?;
    read(&text).map_err(|why| match why {
        pem::Error::NoItemsFound => NoTls(format!("{} holds no private key in PEM", file.display())),
        other => NoTls(format!("{} is no PEM: {other}", file.display())),
    })
}

fn mismatch(certificate: &Path, key: &Path, why: &rustls::Error) -> String {
    let (certificate, key) = (certificate.display(), key.display());
    match why {
        rustls::Error::InconsistentKeys(_) => {
            format!("the key in {key} is not that of the certificate in {certificate}")
        }
        other => format!("{certificate} and {key} cannot be used for TLS: {other}"),
    }
}
