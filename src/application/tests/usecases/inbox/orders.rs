//! Every order in which our answer, notifications, the watch and what others give back can come
//! about, up to six of them: the books end the same, whatever was first. Each notification comes
//! seven times.

use std::collections::BTreeMap;

use application::Approve;
use application::ports::Brought;
use application::ports::gateway::{Line, ListPage, Listed};
use application::ports::store::HasInbox as _;
use chrono::TimeDelta;
use domain::ledger::Entry;
use domain::payment::PayStatus;
use domain::snapshot::{Answer, Cause};
use std::time::Duration;
use tokio::time::sleep;

use super::{SECOND, canceled, shown};
use crate::installation::{Installation, START, done};

const LENGTH_MAX: u32 = 6;
/// How long each of them takes.
const STEP: Duration = Duration::from_secs(3);
/// How often each notification comes.
const TIMES: usize = 7;
/// How much others give back at once.
const PART: i64 = 1_000;

/// What happens while a payment is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    /// The gateway answers our approval; after that, its caller repeats it.
    Answer,
    /// The gateway tells how the payment is.
    Notification,
    /// Recovery and the watch go round.
    Poll,
    /// Others give a part back.
    Cancel,
}

const ALL: [Happening; 4] = [
    Happening::Answer,
    Happening::Notification,
    Happening::Poll,
    Happening::Cancel,
];

/// How the books end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Books {
    status: PayStatus,
    given_back: i64,
    movements: Vec<(String, i64)>,
}

/// One payment, and what is true of it at the gateway.
struct Scene {
    shop: Installation,
    command: Approve,
}

fn parts(cancels: usize) -> Vec<String> {
    (1..=cancels).map(|number| format!("c{number}")).collect()
}

/// What the gateway says of a payment of which so many parts were given back.
fn truth(command: &Approve, cancels: usize) -> Answer {
    let parts = parts(cancels);
    let parts: Vec<(&str, i64)> = parts.iter().map(|key| (key.as_str(), PART)).collect();
    if parts.is_empty() {
        done(command)
    } else {
        let mut snapshot = canceled(command, &parts);
        let last = parts.last().map(|(key, _)| key.parse().unwrap());
        snapshot.last_transaction_key = last;
        shown(snapshot)
    }
}

impl Installation {
    /// The same notification comes in seven times, and is kept once.
    pub(super) async fn told_again_and_again(&self, body: &str) {
        for time in 0..TIMES {
            let brought = self.told(body).await.unwrap();
            let wanted = if time == 0 {
                Brought::Kept
            } else {
                Brought::Again
            };
            assert_eq!(brought, wanted, "{body}");
        }
    }
}

impl Scene {
    async fn new() -> Self {
        let shop = Installation::new();
        let command = shop.prepared("order-orders").await;
        let scene = Self { shop, command };
        scene.shows(0);
        scene
    }

    fn shows(&self, cancels: usize) {
        let truth = truth(&self.command, cancels);
        *self.shop.gateway.truth.lock().unwrap() = Some(truth);
    }

    /// What the gateway tells now; `number` makes the bytes differ.
    async fn tell(&self, cancels: usize, number: usize) {
        let movement = parts(cancels).pop().unwrap_or_else(|| "txrd_1".to_owned());
        let order = self.command.gateway_order;
        let body = format!("hint {order} moved {movement} {number}");
        self.shop.told_again_and_again(&body).await;
        self.shop.worked().await;
    }

    async fn poll(&self, cancels: usize) {
        let listed = |key: &str, line| Listed {
            transaction_key: key.parse().unwrap(),
            payment_key: self.command.payment_key.clone(),
            order_id: self.command.gateway_order.to_string(),
            line,
            at: Some(START - TimeDelta::minutes(5)),
        };
        let mut lines = vec![listed("txrd_1", Line::Capture)];
        lines.extend(parts(cancels).iter().map(|key| listed(key, Line::Cancel)));
        let page = ListPage {
            next: lines.last().map(|line| line.transaction_key.clone()),
            listed: lines,
            unreadable: 0,
        };
        let pages = &self.shop.gateway.pages;
        pages.lock().unwrap().push_back(Ok(page));
        self.shop.app.recover().await.unwrap();
        self.shop.app.watch().await.unwrap();
        pages.lock().unwrap().clear();
    }

    async fn happens(&self, sequence: &[Happening]) -> usize {
        let (mut cancels, mut is_answered) = (0, false);
        for (number, happening) in sequence.iter().enumerate() {
            sleep(STEP.saturating_sub(SECOND)).await;
            match happening {
                Happening::Answer if is_answered => {
                    // Whatever it is told: it moves nothing.
                    let _ = self.shop.approve(&self.command, "once").await;
                }
                Happening::Answer => is_answered = true,
                Happening::Notification => {
                    self.tell(cancels, number).await;
                    continue;
                }
                Happening::Poll => self.poll(cancels).await,
                Happening::Cancel => {
                    cancels += 1;
                    self.shows(cancels);
                }
            }
            sleep(SECOND).await;
        }
        cancels
    }

    /// Until nobody is at work on the payment and nothing waits to be looked at.
    async fn rests(&self) {
        for _ in 0..600 {
            self.shop.app.recover().await.unwrap();
            self.shop.worked().await;
            let payment = self.shop.payment(self.command.payment).await;
            let tray = self.shop.memory.inbox().tray().await.unwrap();
            if payment.state.saga().is_none() && tray.hints == 0 {
                return;
            }
        }
        panic!("it never rests");
    }

    async fn books(&self) -> Books {
        let payment = self.shop.payment(self.command.payment).await;
        let entries = self.shop.memory.all_entries();
        // The capture's own key is shown as long as nothing was given back, and names nothing.
        let movement = |entry: &Entry| (format!("{:?}", entry.movement), entry.amount.minor());
        let mut movements: Vec<(String, i64)> = entries.iter().map(movement).collect();
        movements.sort();
        Books {
            status: payment.status(),
            given_back: payment.canceled.minor(),
            movements,
        }
    }
}

/// Plays them, then tells once more how it is: that much reaches us. The watch has nothing to add.
async fn ended(sequence: &[Happening]) -> (usize, Books) {
    let scene = Scene::new().await;
    let place = sequence.iter().position(|one| *one == Happening::Answer);
    match place {
        Some(place) => {
            let steps = u32::try_from(place + 1).unwrap();
            scene
                .shop
                .will_answer((STEP * steps).saturating_sub(SECOND), done(&scene.command));
        }
        None => scene
            .shop
            .will_answer(Duration::ZERO, Answer::Unknown(Cause::Lost)),
    }
    let approval = scene.shop.approve(&scene.command, "once");
    let (approved, cancels) = tokio::join!(approval, scene.happens(sequence));
    approved.unwrap();
    scene.rests().await;
    scene.tell(cancels, sequence.len()).await;
    scene.rests().await;
    let books = scene.books().await;
    sleep(Duration::from_mins(1)).await;
    scene.poll(cancels).await;
    assert_eq!(
        scene.books().await,
        books,
        "{sequence:?}: the watch found more"
    );
    assert!(scene.shop.memory.all_sightings().is_empty(), "{sequence:?}");
    (cancels, books)
}

#[tokio::test(start_paused = true)]
async fn every_order_of_what_happens_ends_in_the_same_books() {
    let mut ends: BTreeMap<usize, Books> = BTreeMap::new();
    let mut played = 0;
    for length in 1..=LENGTH_MAX {
        for number in 0..ALL.len().pow(length) {
            let place = |place| ALL[number / ALL.len().pow(place) % ALL.len()];
            let sequence: Vec<Happening> = (0..length).map(place).collect();
            let (cancels, books) = ended(&sequence).await;
            let first = ends.entry(cancels).or_insert_with(|| books.clone());
            assert_eq!(*first, books, "{sequence:?}");
            played += 1;
        }
    }
    assert_eq!(played, 5_460);
    for (cancels, books) in ends {
        let status = if cancels == 0 {
            PayStatus::Done
        } else {
            PayStatus::PartialCanceled
        };
        let back = PART * i64::try_from(cancels).unwrap();
        assert_eq!((books.status, books.given_back), (status, back));
        assert_eq!(books.movements.len(), cancels + 1, "{books:?}");
    }
}
