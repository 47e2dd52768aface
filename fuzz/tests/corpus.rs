//! Replays the committed corpus, without an engine: what was found once is not lost again.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use payflow_fuzz::TARGETS;

/// A clone is not to be filled with what a machine can find again.
const BYTES_MAX: u64 = 200 * 1024;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn path(entry: io::Result<DirEntry>) -> PathBuf {
    entry.expect("a readable folder").path()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(path).collect();
    paths.sort();
    paths
}

#[test]
fn every_input_of_the_corpus_is_survived() {
    let mut bytes_total = 0;
    for target in TARGETS {
        let paths = files(&corpus().join(target.name));
        assert!(!paths.is_empty(), "{} has no corpus", target.name);
        for path in &paths {
            let bytes = fs::read(path).unwrap();
            bytes_total += u64::try_from(bytes.len()).unwrap();
            println!("{}", path.display());
            (target.run)(&bytes);
        }
        println!("{}: {} inputs", target.name, paths.len());
    }
    assert!(bytes_total <= BYTES_MAX, "{bytes_total} bytes of corpus");
}

#[test]
fn every_corpus_is_of_a_target() {
    for folder in files(&corpus()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(
            payflow_fuzz::named(name).is_some(),
            "{name} is of no target"
        );
    }
}
