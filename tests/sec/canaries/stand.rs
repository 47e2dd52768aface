//! Owns the service of the canaries, the words that must not be seen, and what was said where.

use std::fs;
use std::process::Command;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::books;
use crate::jwt::forge::encoded;
use crate::jwt::published::Publisher;
use crate::rig::{Answer, answer, text};
use crate::support::Service;
use crate::support::canary::Canaries;
use crate::support::collector::Collector;

/// What the issuer of the members shares with the service.
pub(super) const SHARED: &str = "a shared secret of thirty-two bytes, or a few more";
const MASTER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A word, and where it may be seen all the same.
struct Word {
    name: String,
    bytes: Vec<u8>,
    shown_in: &'static [&'static str],
}

/// A running service, and what it has to keep to itself.
pub(super) struct Stand {
    pub(super) service: Service,
    pub(super) keys: Value,
    /// None where it is a file of its own.
    database: Option<String>,
    client: Client,
    words: Vec<Word>,
    /// What was said, by where.
    said: Vec<(&'static str, String)>,
    /// In each place something that is said there, so that it is known to be the right one.
    controls: Vec<(&'static str, String)>,
    publisher: std::sync::Arc<Publisher>,
    collector: Collector,
    _files: TempDir,
}

impl Stand {
    /// With lines of this format, over this database.
    pub(super) async fn start(format: &str, database: Option<&str>) -> Self {
        let files = tempfile::tempdir().unwrap();
        fs::write(files.path().join("shared"), SHARED).unwrap();
        let pair = Ed25519KeyPair::generate().unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // What an issuer must never publish, and what is not taken when it does.
        let seed = encoded(&private.as_ref()[private.as_ref().len() - 32..]);
        let publisher = Publisher::start(json!([
            { "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": seed, "d": seed },
            { "kty": "oct", "kid": "b", "k": encoded("canary of a shared key") },
        ]))
        .await;
        let settings = settings(
            &files.path().join("shared").display().to_string(),
            publisher.url(),
        );
        let config = files.path().join("payflow.toml");
        fs::write(&config, settings).unwrap();
        let config = config.display().to_string();
        let masters = format!("2026a:{MASTER}");
        let collector = Collector::start().await;
        let mut settings = vec![
            ("PAYFLOW_TRACES__ENDPOINT", collector.url()),
            ("PAYFLOW_LOG__FORMAT", format),
            ("PAYFLOW_CONFIG", config.as_str()),
            ("PAYFLOW_TIMINGS__ACCESS_BELIEVED", "0s"),
        ];
        match database {
            Some(url) => settings.push(("DATABASE_URL", url)),
            None => settings.push(("PAYFLOW_VAULT__MASTER_KEYS", masters.as_str())),
        }
        let service = Service::start(&settings);
        let keys = service.keys().await;
        let mut stand = Self {
            service,
            keys,
            database: database.map(ToOwned::to_owned),
            client: Client::builder().no_proxy().build().unwrap(),
            words: Vec::new(),
            said: Vec::new(),
            controls: Vec::new(),
            publisher,
            collector,
            _files: files,
        };
        stand.sensitive("a published private key", seed);
        stand.sensitive("a published shared key", "canary of a shared key");
        stand.sensitive("the issuer's secret", SHARED);
        stand.sensitive_at_the_start(database);
        stand
    }

    fn sensitive_at_the_start(&mut self, database: Option<&str>) {
        let given = [
            "secretKey",
            "gatewaySecretKey",
            "publishableKey",
            "gatewaySecurityKey",
        ];
        for name in given {
            let key = text(&self.keys[name]).to_owned();
            assert!(!key.is_empty(), "{name} is not in dev-keys.json");
            self.sensitive(name, key);
        }
        let master = match database {
            Some(url) => {
                let (_, password) = url.split_once("postgres:").unwrap();
                let (_, password) = password.split_once(':').unwrap();
                let (password, _) = password.split_once('@').unwrap();
                self.sensitive("the database's password", password);
                let file = self.service.folder().join("data/master.key");
                let line = fs::read_to_string(file).unwrap();
                line.trim().split_once(':').unwrap().1.to_owned()
            }
            None => MASTER.to_owned(),
        };
        let bytes = STANDARD.decode(&master).unwrap();
        self.sensitive("the bytes of the master key", bytes);
        self.sensitive("the master key", master);
    }

    /// From now on nobody may see this.
    pub(super) fn sensitive(&mut self, name: &str, word: impl Into<Vec<u8>>) {
        self.sensitive_but(name, word, &[]);
    }

    /// Nobody may see this but in these places.
    pub(super) fn sensitive_but(
        &mut self,
        name: &str,
        word: impl Into<Vec<u8>>,
        shown_in: &'static [&'static str],
    ) {
        self.words.push(Word {
            name: name.to_owned(),
            bytes: word.into(),
            shown_in,
        });
    }

    /// Keeps what was said somewhere, and that it has this in it.
    pub(super) fn heard(&mut self, place: &'static str, said: &str, control: &str) {
        if let Some((_, text)) = self.said.iter_mut().find(|(known, _)| *known == place) {
            text.push('\n');
            text.push_str(said);
        } else {
            self.said.push((place, said.to_owned()));
            self.controls.push((place, control.to_owned()));
        }
    }

    /// A request to the API.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", text(&self.keys["payflowUrl"]));
        self.client.request(method, url)
    }

    /// A request to the sandbox.
    pub(super) fn at_the_gateway(&self, path: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", text(&self.keys["sandboxUrl"])))
    }

    /// Sends it; a refusal is kept, with its head.
    pub(super) async fn sent(&mut self, request: RequestBuilder) -> Answer {
        let answer = answer(request).await;
        if answer.status >= 400 {
            let shown = format!("{:?}\n{}", answer.headers, answer.body);
            self.heard("refusals", &shown, "x-trace-id");
        }
        answer
    }

    /// Asks with the merchant's key, and twice where it is refused: as JSON, and as a problem.
    pub(super) async fn asked(
        &mut self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        let secret = text(&self.keys["secretKey"]).to_owned();
        let request = |stand: &Self| {
            let request = stand
                .request(method.clone(), path)
                .basic_auth(&secret, Some(""));
            request.header("idempotency-key", key).json(body)
        };
        let first = self.sent(request(self)).await;
        if first.status >= 400 {
            let problem = request(self).header("accept", "application/problem+json");
            self.sent(problem).await;
        }
        first
    }

    /// A command beside the service, or after it.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.service.command(arguments)
    }

    /// Takes what Prometheus would.
    pub(super) async fn scraped(&mut self) {
        let url = text(&self.keys["metricsUrl"]).to_owned();
        let metrics = answer(self.client.get(url)).await.body;
        self.heard("metrics", text(&metrics), "payflow_http_requests_total");
        assert!(
            self.publisher.asked() > 0,
            "published keys were not fetched"
        );
    }

    /// Ends the service, and takes its lines and what is in its database.
    pub(super) async fn ended(&mut self) {
        self.service.terminate();
        let log = self.service.log();
        assert!(log.contains("TRACE"), "nothing was logged at TRACE");
        self.heard("the log", &log, "answered");
        let spans = format!("{:?}", self.collector.all());
        self.heard("the spans", &spans, "payflow.gateway.operation");
        let books = match &self.database {
            Some(url) => books::rows(url).await,
            None => books::bytes(&self.service.folder().join("data")),
        };
        self.heard("the database", &books, "pay_");
    }

    /// How many words there were, in how many places, and which was seen.
    pub(super) fn judged(&self) -> (usize, usize, Vec<String>) {
        let mut hits = Vec::new();
        for (place, said) in &self.said {
            let words = self
                .words
                .iter()
                .filter(|word| !word.shown_in.contains(place));
            let words = words.map(|word| (word.name.as_str(), word.bytes.as_slice()));
            hits.extend(Canaries::of(words).hits(place, said));
        }
        for ((place, said), (_, control)) in self.said.iter().zip(&self.controls) {
            let control = Canaries::of([("a control", control.as_bytes())]);
            let found = control.hits(place, said);
            assert!(
                !found.is_empty(),
                "{place} is not what it should be: {said}"
            );
        }
        (self.words.len(), self.said.len(), hits)
    }
}

/// One issuer with a shared secret, and one whose keys are published.
fn settings(shared: &str, published: &str) -> String {
    format!(
        r#"
[identity.issuers.shared]
issuer = "https://shared.example"
audience = ["payflow"]
mode = "test"
merchant_claim = "merchant"
shares_members = true
keys = [{{ algorithm = "HS256", kid = "shared", file = "{shared}" }}]
[identity.issuers.published]
issuer = "https://published.example"
audience = ["payflow"]
mode = "test"
merchant_claim = "merchant"
shares_members = true
jwks_url = "{published}"
"#
    )
}
