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
                "Time until the first certificate of a file that the settings name is over",
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
            match first_end(&file.file) {
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

/// When the first certificate of a file is over, in seconds since 1970.
///
/// # Errors
/// The file cannot be read, or has no certificate in it.
pub fn first_end(file: &Path) -> Result<i64, String> {
    let mut first: Option<i64> = None;
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        let read = Certificate::from_der(&certificate).map_err(|error| error.to_string())?;
        let end = read.tbs_certificate.validity.not_after.to_unix_duration();
        let end = i64::try_from(end.as_secs()).unwrap_or(i64::MAX);
        first = Some(first.map_or(end, |first| first.min(end)));
    }
    first.ok_or_else(|| format!("{} has no certificate in it", file.display()))
}
