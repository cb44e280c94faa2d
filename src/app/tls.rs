//! The certificate with which a node speaks TLS, read anew when it is told to (SIGHUP).
//! Not the handshake, which is rustls' business, and no certificate of a client.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::{Context as _, ensure};
use log::{error, info, warn};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::TlsSettings;

/// The certificate in force, and the files that it comes from.
#[derive(Debug)]
pub(super) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    in_force: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the certificate that the settings name, if they name one.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(super) fn of(settings: &TlsSettings) -> anyhow::Result<Option<Arc<Self>>> {
        let Some((cert, key)) = settings.pair() else { return Ok(None) };
        let (cert, key) = (cert.to_owned(), key.to_owned());
        let provider = Arc::new(ring::default_provider());
        let in_force = RwLock::new(read(&cert, &key, &provider)?);
        Ok(Some(Arc::new(Self { cert, key, provider, in_force })))
    }

    /// How connections are accepted: TLS 1.2 and 1.3, with whatever certificate is in force when one begins.
    pub(super) fn server_config(self: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .context("cannot speak TLS")?;
        Ok(config.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>))
    }

    /// Reads the files anew, each time that the process gets SIGHUP. A pair that is of no use changes nothing.
    pub(super) async fn follow_files(self: Arc<Self>) {
        let Ok(mut told) = signal(SignalKind::hangup()) else {
            return warn!("SIGHUP cannot be heard; a new certificate needs a restart");
        };
        while told.recv().await.is_some() {
            match self.reload() {
                Ok(()) => info!("the certificate in {} is in force now", self.cert.display()),
                Err(error) => {
                    error!("the certificate is not changed, the one before stays in force: {error:#}")
                }
            }
        }
    }

    fn reload(&self) -> anyhow::Result<()> {
        let fresh = read(&self.cert, &self.key, &self.provider)?;
        // The value is whole between statements, so a panic elsewhere leaves nothing half done.
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Reads a pair, which must belong together.
fn read(cert: &PathBuf, key: &PathBuf, provider: &CryptoProvider) -> anyhow::Result<Arc<CertifiedKey>> {
    let pem = |file: &PathBuf| fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let chain = CertificateDer::pem_slice_iter(&pem(cert)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} is not PEM", cert.display()))?;
    ensure!(!chain.is_empty(), "{} holds no certificate", cert.display());
    let private = PrivateKeyDer::from_pem_slice(&pem(key)?)
        .with_context(|| format!("{} holds no key in PEM", key.display()))?;
    let pair = CertifiedKey::from_der(chain, private, provider)
        .with_context(|| format!("the key in {} is not that of {}", key.display(), cert.display()))?;
    Ok(Arc::new(pair))
}
