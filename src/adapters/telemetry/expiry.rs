//! Owns what operators see of what ends by itself: certificates in files that the settings name,
//! and API keys that are still used shortly before their end.

use std::path::{Path, PathBuf};

use application::ports::Store;
use chrono::TimeDelta;
use domain::Timestamp;
use prometheus::{IntGauge, IntGaugeVec};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::book::{Book, registered};

/// A key that ends within this time is told of, if it was used within [`USED`].
const SOON: TimeDelta = TimeDelta::days(7);
const USED: TimeDelta = TimeDelta::days(1);

/// A file of certificates, and what they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// What they are for: one word of a short list.
    pub of: &'static str,
    /// Where they are, as PEM.
    pub file: PathBuf,
    /// Whether they are our own, and not those of authorities that we believe.
    pub is_own: bool,
}

impl Certified {
    /// When it is of no use any more, in seconds since 1970: a chain of our own with the first of
    /// its certificates; authorities with the last, since one that is over may stay in a bundle
    /// beside the one that followed it.
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate in it.
    pub fn end(&self) -> Result<i64, String> {
        let ends = ends(&self.file)?;
        let end = if self.is_own {
            ends.iter().min()
        } else {
            ends.iter().max()
        };
        let none = || format!("{} has no certificate in it", self.file.display());
        end.copied().ok_or_else(none)
    }
}

/// The metrics of what ends.
pub(super) struct Expiry {
    certificates: IntGaugeVec,
    keys_ending: IntGauge,
}

impl Expiry {
    pub(super) fn registered(book: &Book) -> Result<Self, prometheus::Error> {
        let keys_ending = IntGauge::new(
            "payflow_api_keys_ending",
            "API keys that end within 7 days and were used within the last one",
        )?;
        Ok(Self {
            certificates: book.gauges(
                "payflow_certificate_expires_seconds",
                "Time until a file of certificates that the settings name is of no use any more",
                &["of"],
            )?,
            keys_ending: registered(book, keys_ending)?,
        })
    }

    /// Looks at the files and at the store.
    pub(super) async fn count(
        &self,
        files: &[Certified],
        store: &dyn Store,
        now: Timestamp,
        wall: Timestamp,
    ) {
        for file in files {
            match file.end() {
                Ok(end) => {
                    let left = end.saturating_sub(wall.timestamp());
                    self.certificates.with_label_values(&[file.of]).set(left);
                }
                // As one that is over: what cannot be read lets nobody in after the next start.
                Err(error) => {
                    tracing::warn!(of = file.of, %error, "a certificate cannot be read");
                    self.certificates.with_label_values(&[file.of]).set(0);
                }
            }
        }
        let ending = now
            .checked_add_signed(SOON)
            .zip(now.checked_sub_signed(USED));
        let Some((soon, used)) = ending else {
            return;
        };
        match store.dues().keys_ending(now, soon, used).await {
            Ok(count) => self
                .keys_ending
                .set(i64::try_from(count).unwrap_or(i64::MAX)),
            Err(error) => tracing::warn!(%error, "API keys that end are not counted"),
        }
    }
}

/// When each certificate of a file is over, in seconds since 1970.
fn ends(file: &Path) -> Result<Vec<i64>, String> {
    let mut ends = Vec::new();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        let read = Certificate::from_der(&certificate).map_err(|error| error.to_string())?;
        let end = read.tbs_certificate.validity.not_after.to_unix_duration();
        ends.push(i64::try_from(end.as_secs()).unwrap_or(i64::MAX));
    }
    Ok(ends)
}
