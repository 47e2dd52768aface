//! Owns what stands for the demonstration in a build without it: a value that cannot exist.

use std::sync::Arc;

use anyhow::bail;
use application::ports::Clock;

use crate::bootstrap::merchants::DevKeys;
use crate::config::Config;

/// Never made, so whatever is done with it needs no code.
pub(in crate::bootstrap) enum Demo {}

#[expect(clippy::unused_async, reason = "called as those that do something")]
impl Demo {
    pub(in crate::bootstrap) async fn start(_: &Config, _: &DevKeys) -> anyhow::Result<Self> {
        bail!("this build has no sandbox; set toss.secret_key or sandbox.url")
    }

    pub(in crate::bootstrap) fn sandbox_url(&self) -> String {
        match *self {}
    }

    pub(in crate::bootstrap) fn clock(&self) -> Arc<dyn Clock> {
        match *self {}
    }

    pub(in crate::bootstrap) async fn open(
        &mut self,
        _: &Config,
        _: &DevKeys,
    ) -> anyhow::Result<String> {
        match *self {}
    }

    pub(in crate::bootstrap) async fn close_shop(&mut self) {
        match *self {}
    }

    pub(in crate::bootstrap) async fn shutdown(self) {
        match self {}
    }
}
