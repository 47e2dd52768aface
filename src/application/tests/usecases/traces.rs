//! In whose trace a saga's work is done, also by a worker that takes it up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::store::Payments;
use application::trace::{Collector, Share, Span, install};
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause};
use domain::trace::Trace;
use tokio::time::sleep;

use crate::installation::{Installation, done, keyed};

#[derive(Default)]
struct Heard(Mutex<Vec<Span>>);

impl Collector for Heard {
    fn ended(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_saga_up_goes_on_in_its_trace() {
    let heard = Arc::new(Heard::default());
    install(heard.clone(), Share::ALL);
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut caller = here.caller.clone();
    caller.trace = parent.parse().unwrap();
    let begun = caller.trace;
    let approving = here.app.approve(caller, command.clone(), keyed("k", 1));
    approving.await.unwrap();
    here.will_show(done(&command));
    here.tasks.spawn(here.app.clone().recover_continuously());
    sleep(Duration::from_secs(100)).await;
    let paid = here.payment(command.payment).await;
    assert_eq!(paid.status(), PayStatus::Done);

    let events = here.memory.events(command.payment, 0, 10).await.unwrap();
    let last: Trace = events.last().unwrap().trace;
    let spans = heard.0.lock().unwrap();
    let of_sagas = spans.iter().filter(|span| span.name == "saga");
    let drives: Vec<&Span> = of_sagas
        .filter(|span| span.trace.id() == begun.id())
        .collect();
    assert!(drives.len() >= 2, "{spans:?}");
    let under_the_request = |span: &&Span| span.parent == begun.span();
    assert!(drives.iter().all(under_the_request), "{drives:?}");
    let closing = drives.iter().find(|span| span.trace.span() == last.span());
    assert_eq!(last.id(), begun.id());
    assert!(closing.is_some(), "{last} is of none of {drives:?}");
}
