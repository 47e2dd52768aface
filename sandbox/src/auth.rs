//! Owns how the API recognises its merchant: HTTP Basic with the secret key and no password.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};

use crate::catalogue::Refusal;
use crate::config::{Config, Padding};
use crate::ids;

const WITH_OR_WITHOUT_PADDING: GeneralPurpose = decoder(DecodePaddingMode::Indifferent);
const WITH_PADDING: GeneralPurpose = decoder(DecodePaddingMode::RequireCanonical);

const FINGERPRINT_BYTES: usize = 8;

/// Checks an `Authorization` header against the secret key.
pub(crate) fn check(header: Option<&str>, config: &Config) -> Result<(), Refusal> {
    let unauthorized = || Refusal::of("UNAUTHORIZED_KEY");
    let (scheme, encoded) = header
        .and_then(|value| value.split_once(' '))
        .ok_or_else(unauthorized)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unauthorized());
    }
    let base64 = match config.settings.padding {
        Padding::Optional => WITH_OR_WITHOUT_PADDING,
        Padding::Required => WITH_PADDING,
    };
    let decoded = base64.decode(encoded.trim()).map_err(|_| unauthorized())?;
    let text = String::from_utf8(decoded).map_err(|_| unauthorized())?;
    match text.split_once(':') {
        None => Err(Refusal::of("INCORRECT_BASIC_AUTH_FORMAT")),
        Some((key, _)) if key == config.secret_key => Ok(()),
        Some(_) => Err(unauthorized()),
    }
}

const fn decoder(padding: DecodePaddingMode) -> GeneralPurpose {
    let form = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
    GeneralPurpose::new(&STANDARD, form)
}

/// Stands for a secret key where it must not be written down.
pub(crate) fn fingerprint(secret_key: &str) -> String {
    let digest = Sha256::digest(secret_key.as_bytes());
    ids::hex(&digest[..FINGERPRINT_BYTES])
}
