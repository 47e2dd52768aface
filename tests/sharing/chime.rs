//! Bells that ring in other copies.

use std::sync::Arc;
use std::time::Duration;

use application::events::Bell;
use payflow::adapters::redis::Chime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::rig::{Copy, LONG};
use crate::support::Redis;

/// A copy that rings and hears.
struct Rung {
    _copy: Copy,
    bell: Arc<Bell>,
    _tasks: JoinSet<()>,
}

impl Rung {
    async fn start(server: &Redis) -> Self {
        let mut copy = Copy::patient(server).await;
        copy.keep();
        let (bell, mut tasks) = (Arc::<Bell>::default(), JoinSet::new());
        let chime = Arc::new(Chime::new(Arc::clone(&copy.link), Arc::clone(&bell)));
        let drain = CancellationToken::new();
        tasks.spawn(Arc::clone(&chime).ring_continuously(drain.clone()));
        tasks.spawn(chime.hear_continuously(drain));
        Self {
            _copy: copy,
            bell,
            _tasks: tasks,
        }
    }
}

/// Whether deliveries that one copy posts are heard of at another's bell, before long.
async fn hears(from: &Rung, to: &Rung) {
    let begun = Instant::now();
    let heard = to.bell.posted();
    tokio::pin!(heard);
    loop {
        from.bell.post();
        tokio::select! {
            () = &mut heard => return,
            () = sleep(Duration::from_millis(100)) => {}
        }
        assert!(begun.elapsed() < LONG, "nothing is heard");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hears_the_other_and_again_after_a_restart() {
    let mut server = Redis::start();
    let (one, other) = (Rung::start(&server).await, Rung::start(&server).await);
    hears(&one, &other).await;
    hears(&other, &one).await;
    server.kill();
    for _ in 0..3 {
        one.bell.post();
        sleep(Duration::from_millis(50)).await;
    }
    server.restart();
    hears(&one, &other).await;
    hears(&other, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_rings_nothing_and_ends_nothing() {
    let server = Redis::start();
    let (one, other) = (Rung::start(&server).await, Rung::start(&server).await);
    hears(&one, &other).await;
    for said in ["x", "7", "0 ", "zz 4", "1 -4", "1 99999", "\"1 \""] {
        server.say(&format!("PUBLISH test:bell {said}"));
    }
    hears(&one, &other).await;
}
