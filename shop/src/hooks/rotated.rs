//! Owns the secrets that an operator was given for the shop by a rotation: a file, a line each.

use std::io::ErrorKind;
use std::path::PathBuf;

/// Where they are; nowhere without a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rotated(pub(crate) Option<PathBuf>);

impl Rotated {
    /// Those that are there now: the file is read at each use, so that nobody has to start the shop
    /// again in the time of grace. None where it is not there.
    pub(crate) async fn secrets(&self) -> Vec<String> {
        let Some(path) = &self.0 else {
            return Vec::new();
        };
        match tokio::fs::read_to_string(path).await {
            Ok(text) => {
                let lines = text.lines().map(str::trim);
                lines
                    .filter(|line| !line.is_empty())
                    .map(ToOwned::to_owned)
                    .collect()
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "rotated secrets cannot be read");
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn secrets_are_read_as_they_are_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        let rotated = Rotated(Some(path.clone()));
        assert!(rotated.secrets().await.is_empty(), "no file yet");
        std::fs::write(&path, "whsec_a\n\n  whsec_b\n").unwrap();
        assert_eq!(rotated.secrets().await, ["whsec_a", "whsec_b"]);
        assert!(Rotated::default().secrets().await.is_empty());
    }
}
