//! What has to hold on every copy of the service: two real processes on one PostgreSQL database, in
//! front of one sandbox.

mod access;
mod masters;
mod operators;
mod repeats;
mod sharing;
mod streams;
mod takeover;

use std::fs;
use std::time::{Duration, Instant};

use application::ports::Clock as _;
use payflow::adapters::clock::Wall;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::block_in_place;
use toss_sandbox::Running;

use crate::process::Process;
use crate::rig::{Answer, answer, text};
use crate::support::{Postgres, postgres};
use crate::vault;

const OLD: &str = "2026a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// What the members' tokens are signed with.
const SIGNING: &str = "a secret of thirty-two bytes or more";
/// What a tenth of the timings allows, and some more for a busy machine.
const NOTICED: Duration = Duration::from_secs(3);

/// How long a test's timings are, of what they are by default.
#[derive(Clone, Copy)]
enum Pace {
    Tenth,
    Whole,
}

/// Two copies of the service.
struct Copies {
    running: Vec<Option<Copy>>,
    merchant: String,
    secret: String,
    /// The service's settings, as environment variables.
    settings: Vec<(&'static str, String)>,
    sandbox: Running,
    folder: TempDir,
    _database: Postgres,
}

/// One of them, and the folder that it keeps to itself.
struct Copy {
    process: Process,
    _folder: TempDir,
}

impl Copies {
    /// Both, with a merchant.
    async fn start(pace: Pace) -> Self {
        Self::start_with(pace, Vec::new()).await
    }

    /// As [`Self::start`], with these settings besides.
    async fn start_with(pace: Pace, settings: Vec<(&'static str, String)>) -> Self {
        let mut copies = Self::prepare(pace).await;
        copies.settings.extend(settings);
        for place in 0..2 {
            copies.open(place, OLD);
        }
        copies.ready().await;
        copies
    }

    async fn prepare(pace: Pace) -> Self {
        let database = postgres();
        let sandbox = toss_sandbox::Config::default();
        let keys = (sandbox.secret_key.clone(), sandbox.client_key.clone());
        let sandbox = toss_sandbox::start(sandbox).await.unwrap();
        let divided_by = match pace {
            Pace::Tenth => "10",
            Pace::Whole => "1",
        };
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("payflow.toml");
        let settings = vec![
            ("DATABASE_URL", database.url().to_owned()),
            ("PAYFLOW_DATABASE__POOL_SIZE", "6".to_owned()),
            ("PAYFLOW_SANDBOX__URL", sandbox.url()),
            ("TOSS_SECRET_KEY", keys.0),
            ("TOSS_CLIENT_KEY", keys.1),
            ("PAYFLOW_TIMINGS__DIVIDE_BY", divided_by.to_owned()),
            ("PAYFLOW_CONFIG", file.display().to_string()),
            ("PAYFLOW_SHOP__ENABLED", "false".to_owned()),
            ("RUST_LOG", "info".to_owned()),
        ];
        fs::write(&file, "").unwrap();
        let mut copies = Self {
            running: vec![None, None],
            merchant: String::new(),
            secret: String::new(),
            settings,
            sandbox,
            folder,
            _database: database,
        };
        let made = copies.run(&["merchant", "create", "shop"]);
        text(&made["merchantId"]).clone_into(&mut copies.merchant);
        text(&made["secretKey"]).clone_into(&mut copies.secret);
        fs::write(&file, copies.issuer()).unwrap();
        copies
    }

    /// Whose tokens the merchant's members come with.
    fn issuer(&self) -> String {
        let secret = self.folder.path().join("signing");
        fs::write(&secret, SIGNING).unwrap();
        format!(
            "[identity.issuers.login]\nissuer = \"login\"\naudience = [\"payflow\"]\n\
             mode = \"test\"\nmerchant = \"{}\"\n\
             keys = [{{ algorithm = \"HS256\", file = \"{}\" }}]\n",
            self.merchant,
            secret.display(),
        )
    }

    /// Starts a copy with these master keys.
    fn open(&mut self, place: usize, masters: &str) {
        let folder = TempDir::new().unwrap();
        let masters = ("PAYFLOW_VAULT__MASTER_KEYS", masters);
        let settings = self
            .settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<(&str, &str)> = settings.chain([masters]).collect();
        let process = block_in_place(|| Process::with(folder.path(), &settings));
        self.running[place] = Some(Copy {
            process,
            _folder: folder,
        });
    }

    /// Stops a copy as an orchestrator does; it has to finish what it does.
    fn close(&mut self, place: usize) {
        let copy = self.running[place].take().unwrap();
        let code = block_in_place(|| copy.process.terminate());
        assert_eq!(code, Some(0));
    }

    /// Each takes payments: it has noticed the merchant's account.
    async fn ready(&self) {
        for place in 0..2 {
            let prepares = async || self.try_prepare(place).await.status == 201;
            until(Duration::from_secs(20), prepares).await;
        }
    }

    fn process(&self, place: usize) -> &Process {
        &self.running[place].as_ref().unwrap().process
    }

    fn url(&self, place: usize) -> String {
        text(&self.process(place).keys["payflowUrl"]).to_owned()
    }

    /// What a command beside them prints, in one line.
    fn run(&self, arguments: &[&str]) -> Value {
        self.run_with(OLD, arguments, "")
    }

    fn run_with(&self, masters: &str, arguments: &[&str], input: &str) -> Value {
        self.lines_with(masters, arguments, input).remove(0)
    }

    /// What a command beside them prints, line by line.
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.lines_with(OLD, arguments, "")
    }

    fn lines_with(&self, masters: &str, arguments: &[&str], input: &str) -> Vec<Value> {
        let masters = ("PAYFLOW_VAULT__MASTER_KEYS", masters);
        let settings = self
            .settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<(&str, &str)> = settings.chain([masters]).collect();
        let folder = self.folder.path();
        let output = block_in_place(|| vault::payflow(folder, arguments, &settings, input));
        vault::lines(&output)
    }

    /// A request to a copy without credentials.
    fn to(&self, place: usize, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url(place));
        self.process(place).client.request(method, url)
    }

    async fn get(&self, place: usize, path: &str, credentials: &str) -> Answer {
        answer(self.to(place, Method::GET, path).bearer_auth(credentials)).await
    }

    async fn post(&self, place: usize, path: &str, key: &str, body: &Value) -> Answer {
        self.post_by(&self.secret, place, (path, key), body).await
    }

    async fn post_by(
        &self,
        credentials: &str,
        place: usize,
        (path, key): (&str, &str),
        body: &Value,
    ) -> Answer {
        let request = self.to(place, Method::POST, path).bearer_auth(credentials);
        answer(request.header("idempotency-key", key).json(body)).await
    }

    async fn try_prepare(&self, place: usize) -> Answer {
        let (key, body) = (unique(), ordered(&unique(), json!({})));
        self.post(place, "/api/v1/payments", &key, &body).await
    }

    /// A payment that the buyer has authenticated: its id, and what approves it.
    async fn waiting(&self, place: usize, customer: Value) -> (String, Value) {
        let body = ordered(&unique(), customer);
        let prepared = self.post(place, "/api/v1/payments", &unique(), &body).await;
        assert_eq!(prepared.status, 201, "{prepared:?}");
        let data = &prepared.body["data"];
        let order = &data["gatewayOrderId"];
        let url = format!("{}/_sandbox/authenticate", self.sandbox.url());
        let window = json!({ "orderId": order, "amount": 15000, "method": "CARD" });
        let paid = answer(self.process(place).client.post(url).json(&window)).await;
        let approval = json!({ "paymentKey": paid.body["paymentKey"], "amount": 15000,
                               "gatewayOrderId": order });
        (text(&data["paymentId"]).to_owned(), approval)
    }

    /// A payment of 15,000 won that is paid.
    async fn paid(&self, place: usize) -> String {
        let (id, approval) = self.waiting(place, json!({})).await;
        let path = format!("/api/v1/payments/{id}/approve");
        let approved = self.post(place, &path, &unique(), &approval).await;
        assert_eq!(approved.status, 200, "{approved:?}");
        id
    }

    /// How often money moved at the gateway, by kind.
    async fn moved(&self, kind: &str) -> usize {
        let url = format!("{}/_sandbox/ledger", self.sandbox.url());
        let ledger = answer(self.process(0).client.get(url)).await.body;
        let entries = ledger["entries"].as_array().unwrap();
        entries.iter().filter(|entry| entry["kind"] == kind).count()
    }
}

fn ordered(order: &str, customer: Value) -> Value {
    let mut body = json!({ "orderId": order, "orderName": "생수", "amount": 15000 });
    body["customer"] = customer;
    body
}

/// A text that no other has.
fn unique() -> String {
    format!("u{:016x}", getrandom::u64().unwrap())
}

/// The token of a member.
fn token(member: &str) -> String {
    let expires = Wall::default().now().timestamp() + 600;
    let claims = json!({ "iss": "login", "aud": "payflow", "sub": member, "exp": expires });
    let key = jsonwebtoken::EncodingKey::from_secret(SIGNING.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// Waits until it is so, asking again and again.
async fn until(at_most: Duration, mut so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < at_most, "not so within {at_most:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    assert!(took < at_most, "it took {took:?} of {at_most:?}");
}
