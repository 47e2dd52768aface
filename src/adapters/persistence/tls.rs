//! Owns whom a connection to PostgreSQL trusts: `sslmode` and `sslrootcert`, as libpq means them.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore};
use rustls::{SignatureScheme, client::VerifierBuilderError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::OpenError;

/// Whom to trust. The path names a file of certificate authorities; without one the system's
/// own are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// `disable`
    NoTls,
    /// `prefer`: encrypted where the server can, with whoever answers.
    Opportunistic,
    /// `require`: encrypted, with whoever answers.
    Anyone,
    /// `verify-ca`: with whom an authority vouches for, under any name.
    Chain(Option<String>),
    /// `verify-full`: with whom an authority vouches for under this name.
    ChainAndName(Option<String>),
}

/// Takes what is ours out of the URL, because the driver knows only half of it.
pub(super) fn take_from(url: &str) -> Result<(String, Trust), OpenError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut authorities, mut rest) = ("prefer", None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = value,
            Some(("sslrootcert", value)) => authorities = Some(value.to_owned()),
            Some(_) | None => rest.push(pair),
        }
    }
    let trust = match (mode, authorities) {
        ("disable", _) => Trust::NoTls,
        ("prefer", None) => Trust::Opportunistic,
        ("require", None) => Trust::Anyone,
        // With an authority at hand, libpq's `require` checks it.
        ("require" | "verify-ca", authorities) => Trust::Chain(authorities),
        ("verify-full", authorities) => Trust::ChainAndName(authorities),
        ("prefer", Some(_)) => {
            return Err(OpenError::Url(
                "sslrootcert needs sslmode=verify-full".to_owned(),
            ));
        }
        (other, _) => return Err(OpenError::Url(format!("sslmode={other} is not known"))),
    };
    let query = if rest.is_empty() {
        String::new()
    } else {
        format!("?{}", rest.join("&"))
    };
    Ok((format!("{base}{query}"), trust))
}

/// What encrypts; `None` where nothing shall.
pub(super) fn connector(trust: &Trust) -> Result<Option<MakeRustlsConnect>, OpenError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::NoTls => return Ok(None),
        Trust::Opportunistic | Trust::Anyone => Arc::new(Encrypted(Arc::clone(&provider))),
        Trust::Chain(authorities) => Arc::new(Vouched(webpki(authorities.as_deref(), &provider)?)),
        Trust::ChainAndName(authorities) => webpki(authorities.as_deref(), &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn webpki(
    authorities: Option<&str>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, OpenError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = authorities {
        let failed = |error: String| OpenError::Tls(format!("{path}: {error}"));
        let found = CertificateDer::pem_file_iter(path).map_err(|e| failed(e.to_string()))?;
        for certificate in found {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| failed(error.to_string()))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    built
        .build()
        .map_err(|error: VerifierBuilderError| OpenError::Tls(error.to_string()))
}

/// Encrypts with whoever answers.
#[derive(Debug)]
struct Encrypted(Arc<CryptoProvider>);

impl ServerCertVerifier for Encrypted {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Asks for an authority's word, under any name.
#[derive(Debug)]
struct Vouched(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Vouched {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self
            .0
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
        {
            // The name is checked last: the chain held.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(query: &str) -> Result<(String, Trust), String> {
        take_from(&format!("postgres://u@h/d{query}")).map_err(|error| error.to_string())
    }

    #[test]
    fn trust_is_read_out_of_the_url() {
        let url = |rest: &str| format!("postgres://u@h/d{rest}");
        let file = Some("/ca.pem".to_owned());
        for (query, rest, expected) in [
            ("", "", Trust::Opportunistic),
            (
                "?sslmode=disable&application_name=x",
                "?application_name=x",
                Trust::NoTls,
            ),
            ("?sslmode=require", "", Trust::Anyone),
            (
                "?sslmode=require&sslrootcert=/ca.pem",
                "",
                Trust::Chain(file.clone()),
            ),
            ("?sslmode=verify-ca", "", Trust::Chain(None)),
            (
                "?sslrootcert=/ca.pem&sslmode=verify-full",
                "",
                Trust::ChainAndName(file),
            ),
        ] {
            assert_eq!(trust(query), Ok((url(rest), expected)), "{query}");
        }
        assert!(trust("?sslmode=allow").is_err());
        assert!(trust("?sslrootcert=/ca.pem").is_err());
    }

    #[test]
    fn an_authority_that_is_not_there_is_refused() {
        let missing = Trust::ChainAndName(Some("/no/such.pem".to_owned()));
        assert!(connector(&missing).is_err());
        assert!(connector(&Trust::NoTls).is_ok_and(|connector| connector.is_none()));
    }
}
