//! Owns a small disk: a file system of its own, which can be filled to its last byte, and which
//! nobody else sees.

use std::ffi::CString;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

const FILLER: &str = "filler";
const PIECE: [u8; 4096] = [0x5a; 4096];
/// Set where this program runs in a mount namespace of its own.
const APART: &str = "PAYFLOW_HARNESS_APART";

/// Goes on in a mount namespace of its own, where disks can be made that nobody else sees and that
/// are gone with this program, however it ends. The program is begun anew for that.
///
/// # Errors
/// Why it cannot.
pub(crate) fn apart() -> Result<(), String> {
    if std::env::var_os(APART).is_some() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        return Err("only root may make a disk to be filled".to_owned());
    }
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        return Err("no mount namespace may be made here".to_owned());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let error = Command::new("unshare")
        .arg("--mount")
        .arg("--")
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(APART, "1")
        .exec();
    Err(error.to_string())
}

/// A mounted file system. Dropping it takes it away, whoever still has files open in it.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// One with so much room, at a folder, which belongs to a user.
    pub(crate) fn mount(folder: &Path, mebibytes: u32, owner: u32) -> anyhow::Result<Self> {
        let options = CString::new(format!("size={mebibytes}m,mode=0700,uid={owner}"))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("tmpfs", folder, "tmpfs", flags, options.as_c_str())
            .context("only root may make a disk of its own")?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Nothing more can be written; how many bytes that took.
    pub(crate) fn fill(&self) -> anyhow::Result<u64> {
        let mut filler = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(FILLER))?;
        let mut bytes: u64 = 0;
        loop {
            match filler.write(&PIECE) {
                Ok(written) => {
                    ensure!(written > 0, "the disk takes nothing, and says nothing");
                    bytes = bytes.saturating_add(u64::try_from(written)?);
                }
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(bytes),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// There is room again.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.folder.join(FILLER))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever has files open keeps them until it ends; the folder is free at once.
        let _ = unmount(&self.folder, UnmountFlags::DETACH);
    }
}
