//! A job that only one may do: nobody takes it while it is held, and the fence tells who had it.

use std::sync::Arc;
use std::time::Duration;

use domain::id::WorkerId;
use domain::lease::{Job, Tenure};

use super::{MINUTE, SEQUENCER};
use crate::races::all_at_once;
use crate::samples::raw;
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_held_job_is_nobody_elses,
    one_of_eight_takes_a_job,
    each_job_is_its_own,
);

async fn a_held_job_is_nobody_elses(tested: Tested) {
    let store = tested.store.as_ref();
    let [one, other] = [raw(), raw()].map(WorkerId::new);
    let take = |worker, lease| store.take_lease(&SEQUENCER, worker, lease);
    let first = take(one, MINUTE).await.expect("asked").expect("free");
    assert_eq!(first.fence, 1);
    assert_eq!(take(other, MINUTE).await.expect("asked"), None);
    assert_eq!(
        take(one, MINUTE).await.expect("asked"),
        None,
        "nor its own again"
    );
    // A sign of life that gives it up.
    assert!(
        store
            .renew_lease(&first, Duration::ZERO)
            .await
            .expect("asked")
    );
    let second = take(other, MINUTE).await.expect("asked").expect("over");
    assert_eq!(second.fence, 2);
    assert!(
        !store.renew_lease(&first, MINUTE).await.expect("asked"),
        "lost"
    );
    store.release_lease(&first).await.expect("asked");
    assert_eq!(
        take(one, MINUTE).await.expect("asked"),
        None,
        "not theirs to give up"
    );
    let held = store.leases().await.expect("read");
    assert_eq!(
        (held[0].holder, held[0].fence, held[0].is_held),
        (other, 2, true)
    );
    store.release_lease(&second).await.expect("asked");
    assert!(!store.leases().await.expect("read")[0].is_held);
    let third = take(one, MINUTE).await.expect("asked").expect("given up");
    assert_eq!(third.fence, 3);
}

async fn one_of_eight_takes_a_job(tested: Tested) {
    for _ in 0..5 {
        let rivals = (0..8).map(|_| {
            let store = Arc::clone(&tested.store);
            async move {
                let taken = store.take_lease(&SEQUENCER, WorkerId::new(raw()), MINUTE);
                taken.await.expect("asked")
            }
        });
        let taken: Vec<Tenure> = all_at_once(rivals).await.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1, "{taken:?}");
        tested
            .store
            .release_lease(&taken[0])
            .await
            .expect("given up");
    }
}

async fn each_job_is_its_own(tested: Tested) {
    let store = tested.store.as_ref();
    let worker = WorkerId::new(raw());
    for name in ["sequencer", "kafka", "hooks"] {
        let job: Job = name.parse().expect("a name");
        let taken = store.take_lease(&job, worker, MINUTE).await.expect("asked");
        assert_eq!(taken, Some(Tenure { job, fence: 1 }));
    }
    let leases = store.leases().await.expect("read");
    let jobs: Vec<&str> = leases.iter().map(|lease| lease.job.as_str()).collect();
    assert_eq!(jobs, ["hooks", "kafka", "sequencer"]);
}
