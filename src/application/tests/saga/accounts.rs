//! Owns the scripts of virtual accounts: one is issued for an order, whatever is lost on the way;
//! then the buyer pays in, and the watch finds it.

use std::sync::Arc;
use std::time::Duration;

use application::ports::gateway::{AccountWish, Line, Listed};
use application::ports::inbox::DepositSecrets as _;
use application::{AskAccount, KeptSecrets};
use domain::money::Money;
use domain::payment::{ApproveRefusal, Kind, PayStatus};
use domain::saga::IssueAccountCall;
use domain::snapshot::{Answer, Cause, Status};
use domain::virtual_account::{Concealed, ShownAccount};
use tokio::time::{Instant, sleep};

use crate::books::{Account, Books, refused};
use crate::faults::{Fault, OF_ACCOUNT};
use crate::given::order;
use crate::judge::breaches;
use crate::post::Nowhere;
use crate::scripts::all_well;
use crate::world::{AMOUNT, START, World, in_virtual_time, keyed};

/// What the gateway calls payments with virtual accounts begins with it.
const VIRTUAL: &str = "va_";

/// Where the buyer pays in, of an account that is a virtual one.
pub(crate) fn shown(account: &Account) -> Option<Box<ShownAccount>> {
    account.key.as_str().starts_with(VIRTUAL).then(|| {
        Box::new(ShownAccount {
            bank: "20".parse().unwrap(),
            number: Concealed::new("X6505636518308"),
            holder: Some(Concealed::new("김토스")),
            due_at: START + chrono::TimeDelta::hours(24),
            secret: Some(Concealed::new("ps_1")),
            refund: account.refund,
            sealed: None,
        })
    })
}

impl World {
    /// A world whose payment is paid by deposit.
    pub(crate) async fn with_an_account(faults: &[Fault]) -> Self {
        let mut order = order();
        order.kind = Kind::VirtualAccount;
        order.customer.name = "김토스".parse().ok();
        Self::of(order, faults, None).await
    }

    /// As [`Self::approve_until_final`], for having an account issued.
    pub(crate) async fn ask_until_final(&self, key: &str) {
        let waits = |refusal: &ApproveRefusal| matches!(refusal, ApproveRefusal::InFlight { .. });
        let once = || {
            let command = AskAccount {
                payment: self.payment,
                bank: "20".parse().unwrap(),
                due: application::Due::Within(Duration::from_hours(24)),
                customer_name: None,
                receipt: None,
            };
            let (app, caller) = (self.app.clone(), self.caller.clone());
            async move { app.ask_account(caller, command, keyed(key)).await }
        };
        self.until_final(key, once, waits).await;
    }

    pub(crate) async fn status(&self) -> PayStatus {
        self.memory_payment().await.status()
    }

    /// The buyer pays in, or the bank takes it back; the gateway's list says so.
    pub(crate) fn moved_at_the_bank(&self, line: Line, number: u32) {
        let listed = self.moved_quietly(line, number);
        let mut books = self.gateway.books.lock().unwrap();
        books.moved.push((Instant::now(), listed));
    }

    /// So they do, and nobody says so.
    pub(crate) fn moved_quietly(&self, line: Line, number: u32) -> Listed {
        let now = self.app.clock().now();
        let mut books = self.gateway.books.lock().unwrap();
        let account = books.accounts.last_mut().unwrap();
        account.captured = (line == Line::Capture).then_some(account.amount);
        account.status = match account.captured {
            Some(_) => Status::Done,
            None => Status::WaitingForDeposit,
        };
        let listed = Listed {
            transaction_key: format!("txva_{number}").parse().unwrap(),
            payment_key: account.key.clone(),
            order_id: account.order.to_string(),
            line,
            at: None,
        };
        account.last = Some((listed.transaction_key.clone(), now));
        listed
    }
}

impl Books {
    /// `POST /v1/virtual-accounts`, with the answer that is stored under the key.
    pub(crate) fn issue(&mut self, call: &IssueAccountCall, fault: Option<Fault>) -> Answer {
        self.once(call.key.as_str(), |books| books.issue_first(call, fault))
    }

    fn issue_first(&mut self, call: &IssueAccountCall, fault: Option<Fault>) -> Answer {
        let used = |account: &Account| account.order == call.order;
        if fault == Some(Fault::OrderUsed) || self.accounts.iter().any(used) {
            return Answer::Unknown(Cause::Conflict("DUPLICATED_ORDER_ID".to_owned()));
        }
        let unknown_code = || Answer::Unknown(Cause::Unreadable("NEW_CODE".to_owned()));
        match fault {
            Some(Fault::Decline) => return Answer::Declined(refused()),
            Some(Fault::Temporary) => {
                let code = "FAILED_INTERNAL_SYSTEM_PROCESSING".to_owned();
                return Answer::Unknown(Cause::Temporary(code));
            }
            Some(Fault::UnknownCode) => return unknown_code(),
            Some(_) | None => {}
        }
        let account = waiting(call, call.amount, self.accounts.len());
        if fault == Some(Fault::WrongOrder) {
            let mut snapshot = Self::snapshot(&account);
            "somebody-elses-order".clone_into(&mut snapshot.order_id);
            return Answer::Found(Box::new(snapshot));
        }
        let answer = Self::found(&account);
        self.accounts.push(account);
        if fault == Some(Fault::UnknownCodeAfterEffect) {
            return unknown_code();
        }
        answer
    }
}

fn waiting(call: &IssueAccountCall, amount: Money, number: usize) -> Account {
    Account {
        key: format!("{VIRTUAL}{number}").parse().unwrap(),
        order: call.order,
        amount,
        authenticated: Instant::now(),
        status: Status::WaitingForDeposit,
        captured: None,
        cancels: Vec::new(),
        last: None,
        refund: None,
    }
}

/// What is asked for is what the caller wished.
pub(crate) fn is_as_wished(wish: &AccountWish) -> bool {
    wish.bank.as_str() == "20" && wish.customer_name.as_str() == "김토스"
}

/// Runs one script to its end; what is wrong afterwards.
fn run(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_an_account(faults).await;
        world.ask_until_final("account-1").await;
        // What is late has arrived by then.
        sleep(Duration::from_mins(10)).await;
        let spoilers = [Fault::Decline, Fault::OrderUsed];
        let is_spoilt = faults.iter().any(|fault| spoilers.contains(fault));
        let mut wrong = Vec::new();
        let waits = world.status().await == PayStatus::WaitingForDeposit;
        if !is_spoilt && !waits {
            wrong.push(format!(
                "nothing forbids it, and it is {}",
                world.status().await
            ));
        }
        if waits {
            world.watch();
            world.moved_at_the_bank(Line::Capture, 1);
            sleep(Duration::from_mins(10)).await;
        }
        let settled = world.settle().await;
        // A last repeat is told what the first was told.
        world.ask_until_final("account-1").await;
        wrong.extend(breaches(&world, settled).await);
        if waits && world.status().await != PayStatus::Done {
            wrong.push(format!("paid in, and it is {}", world.status().await));
        }
        let issued = world.gateway.books.lock().unwrap().accounts.len();
        if issued > 1 {
            wrong.push(format!("{issued} accounts for one order"));
        }
        wrong
    })
}

#[test]
fn scripts_of_accounts_of_length_0_to_2() {
    (0..=2).for_each(|length| all_well(&OF_ACCOUNT, length, run));
}

#[test]
fn every_fault_of_an_account_is_reached() {
    for fault in OF_ACCOUNT {
        let script = fault.with_a_reason();
        let used = in_virtual_time(async {
            let world = World::with_an_account(&script).await;
            world.ask_until_final("account-1").await;
            world.settle().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

/// Nobody tells of it: the watch over the gateway's list finds what the bank does, within minutes.
#[test]
fn the_watch_finds_what_the_bank_does() {
    in_virtual_time(async {
        let world = World::with_an_account(&[]).await;
        world.watch();
        world.ask_until_final("account-1").await;
        assert_eq!(world.status().await, PayStatus::WaitingForDeposit);
        for (number, line, status) in [
            (1, Line::Capture, PayStatus::Done),
            (2, Line::Other, PayStatus::WaitingForDeposit),
            (3, Line::Capture, PayStatus::Done),
        ] {
            world.moved_at_the_bank(line, number);
            sleep(Duration::from_mins(10)).await;
            assert_eq!(world.status().await, status, "{number}");
        }
        assert!(world.settle().await);
        let payment = world.memory_payment().await;
        assert_eq!(payment.captured.minor(), AMOUNT);
        let entries = world.memory.all_entries();
        let booked: Vec<String> = entries
            .iter()
            .map(|entry| entry.movement.to_string())
            .collect();
        assert_eq!(booked, ["capture", "reversal:1", "deposit:2"]);
        let secrets = KeptSecrets::new(world.memory.clone(), Arc::new(Nowhere));
        let secret = secrets.kept(payment.facts.id).await.unwrap();
        assert_eq!(secret.unwrap().expose(), "ps_1");
    });
}

/// Nobody tells of it, and no list shows it: an account is asked about by itself, the more often
/// the nearer its due date is, and for a while after it was paid into.
#[test]
fn an_account_is_asked_about_near_its_due_date() {
    for minutes_before in [55, 31, 12] {
        in_virtual_time(async {
            let world = World::with_an_account(&[]).await;
            world.watch();
            world.ask_until_final("account-1").await;
            sleep(Duration::from_mins(24 * 60 - minutes_before)).await;
            assert_eq!(world.status().await, PayStatus::WaitingForDeposit);
            world.moved_quietly(Line::Capture, 1);
            sleep(Duration::from_mins(10)).await;
            assert_eq!(world.status().await, PayStatus::Done, "{minutes_before}");
            world.moved_quietly(Line::Other, 2);
            sleep(Duration::from_mins(90)).await;
            // The due date was over by then.
            let status = world.status().await;
            assert_eq!(status, PayStatus::Expired, "{minutes_before}");
            let entries = world.memory.all_entries();
            assert_eq!(entries.len(), 2, "{minutes_before}");
            assert!(world.settle().await);
        });
    }
}
