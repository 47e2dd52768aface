//! Every order in which our answer, notifications, the watch, deposits and what the bank takes back
//! can come about for a virtual account, up to six of them: the books end as the bank has it. Each
//! notification comes seven times.

use std::collections::BTreeMap;
use std::time::Duration;

use application::ports::gateway::{Line, ListPage, Listed};
use application::ports::store::HasInbox as _;
use application::ports::vault::Secret;
use application::{Approve, AskAccount, Due, Timings, webhooks};
use chrono::TimeDelta;
use domain::ledger::{Account, Entry};
use domain::payment::{Kind, PayStatus};
use domain::snapshot::{Answer, Cause, Snapshot, Status};
use domain::virtual_account::{Concealed, ShownAccount};
use tokio::time::sleep;

use super::{SECOND, shown};
use crate::installation::{Installation, START, keyed, order, snapshot};

/// How long each of them takes.
const STEP: Duration = Duration::from_secs(3);
const AMOUNT: i64 = 10_000;
const SECRET: &str = "ps_1";

/// What happens to a virtual account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    /// The gateway answers our call, as it was then; after that, its caller repeats it.
    Answer,
    /// The gateway tells how the account is.
    Notification,
    /// Recovery and the watch go round.
    Poll,
    /// The buyer pays in, where nobody has.
    Deposit,
    /// The bank takes back what was paid in.
    Reversal,
}

const ALL: [Happening; 5] = [
    Happening::Answer,
    Happening::Notification,
    Happening::Poll,
    Happening::Deposit,
    Happening::Reversal,
];

/// How payment and ledger end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    status: PayStatus,
    captured: i64,
    balance: i64,
    booked: i64,
}

/// One virtual account, and what is true of it at the bank.
struct Scene {
    shop: Installation,
    command: Approve,
}

/// What has moved at the bank: a deposit, what took it back, the next deposit, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Moved(usize);

impl Moved {
    const fn is_paid_in(self) -> bool {
        self.0 % 2 == 1
    }

    /// What the bank calls each movement, and which way the money went.
    fn names(self) -> Vec<(String, Line)> {
        let line = |number| {
            if number % 2 == 1 {
                Line::Capture
            } else {
                Line::Other
            }
        };
        let all = (1..=self.0).map(|number| (format!("txva_{number}"), line(number)));
        all.collect()
    }

    fn newest(self) -> Option<String> {
        self.names().pop().map(|(name, _)| name)
    }
}

/// What the gateway says of an account once so much has moved.
fn truth(command: &Approve, moved: Moved) -> Snapshot {
    let status = if moved.is_paid_in() {
        Status::Done
    } else {
        Status::WaitingForDeposit
    };
    let mut snapshot = snapshot(command, status, AMOUNT);
    snapshot.last_transaction_key = moved.newest().map(|name| name.parse().unwrap());
    snapshot.account = Some(Box::new(ShownAccount {
        bank: "20".parse().unwrap(),
        number: Concealed::new("X6505636518308"),
        holder: Some(Concealed::new("김토스")),
        due_at: START + TimeDelta::hours(24),
        refund: None,
        secret: Some(Concealed::new(SECRET)),
        sealed: None,
    }));
    snapshot
}

impl Scene {
    async fn new() -> Self {
        let timings = Timings {
            watch_every: SECOND,
            watch_grace: SECOND,
            ..Timings::default()
        };
        let shop = Installation::with(Some("tgen_test"), timings, webhooks::Terms::default());
        let mut order = order("order-account");
        order.kind = Kind::VirtualAccount;
        order.customer.name = "김토스".parse().ok();
        order.lifetime = Some(Duration::from_hours(48));
        let mut command = shop.prepared_as(&order).await;
        command.payment_key = "va_1".parse().unwrap();
        let secret = Secret::from(SECRET);
        let kept = &shop.deposits.0;
        kept.lock().unwrap().insert(command.payment, secret);
        let scene = Self { shop, command };
        scene.shows(Moved(0));
        scene
    }

    fn shows(&self, moved: Moved) {
        let truth = shown(truth(&self.command, moved));
        *self.shop.gateway.truth.lock().unwrap() = Some(truth);
    }

    async fn ask(&self) {
        let command = AskAccount {
            payment: self.command.payment,
            bank: "20".parse().unwrap(),
            due: Due::Within(Duration::from_hours(24)),
            customer_name: None,
            receipt: None,
        };
        let caller = self.shop.caller.clone();
        let asked = self.shop.app.ask_account(caller, command, keyed("once", 1));
        asked.await.unwrap();
    }

    /// What the gateway tells now; `number` makes the bytes differ.
    async fn tell(&self, moved: Moved, number: usize) {
        let order = self.command.gateway_order;
        let body = match moved.newest() {
            Some(name) => format!("deposit {SECRET} {order} moved {name} {number}"),
            None => format!("hint {order} unclear {number}"),
        };
        self.shop.told_again_and_again(&body).await;
        self.shop.worked().await;
    }

    async fn poll(&self, moved: Moved) {
        let listed = |(name, line): (String, Line)| Listed {
            transaction_key: name.parse().unwrap(),
            payment_key: self.command.payment_key.clone(),
            order_id: self.command.gateway_order.to_string(),
            line,
            at: Some(START - TimeDelta::minutes(5)),
        };
        let lines: Vec<Listed> = moved.names().into_iter().map(listed).collect();
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

    async fn happens(&self, sequence: &[Happening]) -> Moved {
        let (mut moved, mut is_answered) = (Moved::default(), false);
        for (number, happening) in sequence.iter().enumerate() {
            sleep(STEP.saturating_sub(SECOND)).await;
            match happening {
                Happening::Answer if is_answered => self.ask().await,
                Happening::Answer => is_answered = true,
                Happening::Notification => {
                    self.tell(moved, number).await;
                    continue;
                }
                Happening::Poll => self.poll(moved).await,
                Happening::Deposit | Happening::Reversal => {
                    let is_reversal = *happening == Happening::Reversal;
                    if moved.is_paid_in() == is_reversal {
                        moved = Moved(moved.0 + 1);
                        self.shows(moved);
                    }
                }
            }
            sleep(SECOND).await;
        }
        moved
    }

    /// Until nobody is at work on the payment and nothing waits to be looked at.
    async fn rests(&self) {
        for _ in 0..600 {
            self.shop.app.recover().await.unwrap();
            self.shop.worked().await;
            let payment = self.shop.payment(self.command.payment).await;
            let tray = self.shop.memory.inbox().tray().await.unwrap();
            if payment.open_saga().is_none() && tray.hints == 0 {
                return;
            }
        }
        panic!("it never rests");
    }

    /// The watch goes round, again and again: what is doubted is believed after a minute.
    async fn watched(&self, moved: Moved) {
        for _ in 0..3 {
            self.poll(moved).await;
            sleep(Duration::from_mins(1)).await;
        }
    }

    async fn end(&self) -> End {
        let payment = self.shop.payment(self.command.payment).await;
        let held = |entry: &Entry| match entry.debit {
            Account::GatewayReceivable => entry.amount.minor(),
            Account::MerchantPayable | Account::Suspense => -entry.amount.minor(),
        };
        End {
            status: payment.status(),
            captured: payment.captured.minor(),
            balance: payment.balance().unwrap().minor(),
            booked: self.shop.memory.all_entries().iter().map(held).sum(),
        }
    }

    /// No movement is booked twice, and none that the bank does not know.
    fn are_booked_once(&self, moved: Moved) -> bool {
        let entries = self.shop.memory.all_entries();
        let deposits = entries
            .iter()
            .filter(|entry| entry.debit == Account::GatewayReceivable);
        let named = deposits.map(|entry| entry.transaction_key.as_ref().map(ToString::to_string));
        let mut named: Vec<Option<String>> = named.collect();
        let count = named.len();
        named.sort();
        named.dedup();
        let known = moved.names();
        let is_deposit = |name: &Option<String>| {
            let line = (name.clone().unwrap_or_default(), Line::Capture);
            known.contains(&line)
        };
        named.len() == count && named.iter().all(is_deposit)
    }
}

/// Plays them, then tells once more how it is, and has the watch go round.
async fn ended(sequence: &[Happening]) -> (Moved, End) {
    let scene = Scene::new().await;
    let issued = shown(truth(&scene.command, Moved(0)));
    let place = sequence.iter().position(|one| *one == Happening::Answer);
    let (after, answer) = if let Some(place) = place {
        let steps = u32::try_from(place + 1).unwrap();
        ((STEP * steps).saturating_sub(SECOND), issued)
    } else {
        (Duration::ZERO, Answer::Unknown(Cause::Lost))
    };
    scene.shop.will_answer(after, answer);
    let ((), moved) = tokio::join!(scene.ask(), scene.happens(sequence));
    scene.rests().await;
    scene.tell(moved, sequence.len()).await;
    scene.rests().await;
    scene.watched(moved).await;
    scene.rests().await;
    let end = scene.end().await;
    let entries = scene.shop.memory.all_entries().len();
    assert!(scene.are_booked_once(moved), "{sequence:?}: {end:?}");
    scene.watched(moved).await;
    scene.tell(moved, sequence.len() + 1).await;
    scene.rests().await;
    assert_eq!(scene.end().await, end, "{sequence:?}: more came to light");
    let now = scene.shop.memory.all_entries().len();
    assert_eq!(now, entries, "{sequence:?}: more was booked");
    (moved, end)
}

async fn every_order_of(length: u32) {
    let mut ends: BTreeMap<Moved, End> = BTreeMap::new();
    for number in 0..ALL.len().pow(length) {
        let place = |place| ALL[number / ALL.len().pow(place) % ALL.len()];
        let sequence: Vec<Happening> = (0..length).map(place).collect();
        let (moved, end) = ended(&sequence).await;
        let first = ends.entry(moved).or_insert_with(|| end.clone());
        assert_eq!(*first, end, "{sequence:?}");
    }
    for (moved, end) in ends {
        let (status, held) = if moved.is_paid_in() {
            (PayStatus::Done, AMOUNT)
        } else {
            (PayStatus::WaitingForDeposit, 0)
        };
        let wanted = End {
            status,
            captured: held,
            balance: held,
            booked: held,
        };
        assert_eq!(end, wanted, "{moved:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_order_of_what_happens_to_an_account_ends_as_the_bank_has_it() {
    for length in 0..=4 {
        every_order_of(length).await;
    }
}

#[tokio::test(start_paused = true)]
async fn exhaustive_every_order_of_five_things_that_happen_to_an_account() {
    every_order_of(5).await;
}

#[tokio::test(start_paused = true)]
async fn exhaustive_every_order_of_six_things_that_happen_to_an_account() {
    every_order_of(6).await;
}
