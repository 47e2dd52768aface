//! Owns having a job: taking it when it is free, giving signs of life, and giving it up.

use std::time::Duration;

use domain::lease::{Job, Tenure};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::{Bench, after};

/// A job that is ours, as far as we know.
pub(super) struct Post<'b> {
    bench: &'b Bench,
    pub(super) tenure: Tenure,
    /// When the next sign of life is due.
    sign_at: Instant,
}

/// The job is somebody else's now.
#[derive(Debug)]
pub(super) struct Lost;

impl Bench {
    /// How long between two signs of life, and between two tries to take a job.
    fn beat(&self) -> Duration {
        self.pace.lease.checked_div(3).unwrap_or(self.pace.lease)
    }

    /// Takes a job as soon as nobody has it; none when the process is to end first.
    pub(super) async fn take(&self, job: &Job) -> Option<Post<'_>> {
        while !self.drains() {
            match self
                .store
                .take_lease(job, self.worker, self.pace.lease)
                .await
            {
                Ok(Some(tenure)) => {
                    info!(%job, fence = tenure.fence, "took the job");
                    return Some(Post {
                        bench: self,
                        tenure,
                        sign_at: after(self.beat()),
                    });
                }
                Ok(None) => {}
                Err(error) => warn!(%job, %error, "the job cannot be taken"),
            }
            self.rest_until(after(self.beat())).await;
        }
        None
    }
}

impl Post<'_> {
    /// Something was committed under the fence, which was a sign of life.
    pub(super) fn gave_sign(&mut self) {
        self.sign_at = after(self.bench.beat());
    }

    /// When the next sign of life is due.
    pub(super) const fn sign_at(&self) -> Instant {
        self.sign_at
    }

    /// Gives a sign of life where one is due. A store that is away does not end the job: the fence
    /// still tells whose it is.
    pub(super) async fn keep(&mut self) -> Result<(), Lost> {
        if Instant::now() < self.sign_at {
            return Ok(());
        }
        self.gave_sign();
        let (store, lease) = (&self.bench.store, self.bench.pace.lease);
        match store.renew_lease(&self.tenure, lease).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                warn!(job = %self.tenure.job, "the job is somebody else's now");
                Err(Lost)
            }
            Err(error) => {
                warn!(job = %self.tenure.job, %error, "no sign of life could be given");
                Ok(())
            }
        }
    }

    /// Whether the job is still ours; asked, not assumed.
    pub(super) async fn is_ours(&mut self) -> Result<(), Lost> {
        self.sign_at = Instant::now();
        self.keep().await
    }

    /// Awaits `work`, giving signs of life meanwhile. Work for a job that was lost is dropped.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Lost> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = sleep_until(self.sign_at) => self.keep().await?,
            }
        }
    }

    /// Gives the job up, so that nobody has to wait for the lease.
    pub(super) async fn give_up(self) {
        let job = &self.tenure.job;
        match self.bench.store.release_lease(&self.tenure).await {
            Ok(()) => info!(%job, "gave the job up"),
            Err(error) => warn!(%job, %error, "the job is free only when its lease is over"),
        }
    }
}
