//! The `payflow` binary.

#[cfg(feature = "crash-points")]
compile_error!("crash points belong into payflow-crash alone: build with --bin payflow-crash");

/// What a row or a message takes is often given back on another thread than it was taken on, which
/// the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    payflow::bootstrap::run()
}
