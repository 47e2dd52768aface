//! The `payflow` binary.

#[cfg(feature = "crash-points")]
compile_error!("crash points belong into payflow-crash alone: build with --bin payflow-crash");

fn main() -> anyhow::Result<()> {
    payflow::bootstrap::run()
}
