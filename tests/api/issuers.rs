//! The binary with an issuer of members' tokens: who is believed, and by which time.

use std::process::Command;
use std::time::{Duration, Instant};

use application::ports::{Clock as _, Ids as _};
use domain::id::MerchantId;
use payflow::adapters::clock::Wall;
use payflow::adapters::ids::Drawn;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::process::Process;
use crate::rig::{answer, text};
use crate::vault;

/// The settings of an issuer whose secret is in this file.
fn issuer(file: &str, merchant: &str) -> String {
    format!(
        "[identity.issuers.login]\nissuer = \"login\"\naudience = [\"payflow\"]\nmode = \"test\"\n\
         merchant = \"{merchant}\"\nkeys = [{{ algorithm = \"HS256\", file = \"{file}\" }}]\n"
    )
}

#[tokio::test]
async fn it_believes_the_issuer_it_is_told_of_by_the_real_time() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path());
    assert_eq!(process.terminate(), Some(0));
    let mut list = Command::new(env!("CARGO_BIN_EXE_payflow"));
    let list = list.current_dir(folder.path()).env_clear();
    let listed = list.args(["merchant", "list"]).output().unwrap().stdout;
    let merchant: Value = serde_json::from_slice(&listed).unwrap();
    let secret = [(); 2]
        .map(|()| Drawn::default().draw().as_str().to_owned())
        .concat();
    std::fs::write(folder.path().join("secret"), &secret).unwrap();
    let settings = issuer("secret", text(&merchant["merchantId"]));
    std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
    let settings = [
        ("PAYFLOW_SHOP__ENABLED", "false"),
        ("PAYFLOW_CONFIG", "payflow.toml"),
    ];
    let process = Process::with(folder.path(), &settings);
    // A month later by the clock of payments, the token is as young as it was.
    let clock = format!("{}/_sandbox/clock", text(&process.keys["sandboxUrl"]));
    let month = json!({ "advanceSeconds": 31 * 86_400 });
    let moved = answer(process.client.post(clock).json(&month)).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    let now = Wall::default().now().timestamp();
    let member = |expires: i64| {
        let claims = json!({ "iss": "login", "aud": "payflow", "sub": "m", "exp": expires });
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        let url = format!("{}/api/v1/payments", text(&process.keys["payflowUrl"]));
        answer(process.client.get(url).bearer_auth(token))
    };
    let own = member(now.saturating_add(60)).await;
    assert_eq!(own.body["data"]["payments"], json!([]), "{own:?}");
    let over = member(now.saturating_sub(60)).await;
    assert_eq!(over.code(), "TOKEN_EXPIRED", "{over:?}");
    assert_eq!(process.terminate(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains(&secret), "the secret is logged");
}

/// A process whose issuer's secret is in the file `secret`, and how its members stand.
struct Login {
    process: Process,
    folder: TempDir,
}

impl Login {
    fn start(secret: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("secret"), secret).unwrap();
        let create = ["merchant", "create", "shop"];
        let made = vault::lines(&vault::payflow(folder.path(), &create, &[], "")).remove(0);
        let settings = format!(
            "identity.files_reread_every = \"200ms\"\n{}",
            issuer("secret", text(&made["merchantId"]))
        );
        std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
        let settings = [
            ("PAYFLOW_SHOP__ENABLED", "false"),
            ("PAYFLOW_CONFIG", "payflow.toml"),
        ];
        let process = Process::with(folder.path(), &settings);
        Self { process, folder }
    }

    /// What a member is told whose token was signed with this secret.
    async fn told(&self, secret: &str) -> String {
        let expires = Wall::default().now().timestamp() + 60;
        let claims = json!({ "iss": "login", "aud": "payflow", "sub": "m", "exp": expires });
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        let url = format!("{}/api/v1/payments", text(&self.process.keys["payflowUrl"]));
        let told = answer(self.process.client.get(url).bearer_auth(token)).await;
        told.code().to_owned()
    }

    /// Waits until a token of this secret is verified.
    async fn believes(&self, secret: &str) {
        let begun = Instant::now();
        while self.told(secret).await != "OK" {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until so many files are told to be of no use.
    async fn stale(&self, count: usize) {
        let begun = Instant::now();
        let line = format!("payflow_identity_files_stale {count}\n");
        loop {
            let url = text(&self.process.keys["metricsUrl"]);
            let metrics = answer(self.process.client.get(url)).await.body;
            if text(&metrics).contains(&line) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{metrics}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The file as a whole, as who rotates secrets replaces it.
    fn replace(&self, content: &str) {
        let draft = self.folder.path().join("secret.new");
        std::fs::write(&draft, content).unwrap();
        std::fs::rename(draft, self.folder.path().join("secret")).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

#[tokio::test]
async fn a_key_that_is_replaced_in_its_file_is_taken_without_a_restart() {
    let [first, second, third] = ["a", "b", "c"].map(|letter| letter.repeat(40));
    let login = Login::start(&first);
    login.believes(&first).await;
    login.replace(&second);
    login.believes(&second).await;
    assert_eq!(login.told(&first).await, "TOKEN_INVALID", "it is withdrawn");

    // What proves nothing, or is not there, changes nothing.
    login.replace("too short to be a secret");
    login.stale(1).await;
    std::fs::remove_file(login.folder.path().join("secret")).unwrap();
    let begun = Instant::now();
    while login.log().matches("its last one is kept").count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", login.log());
        sleep(Duration::from_millis(50)).await;
    }
    // Many looks later each is told once.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(login.log().matches("its last one is kept").count(), 2);
    login.stale(1).await;
    login.believes(&second).await;

    login.replace(&third);
    login.believes(&third).await;
    login.stale(0).await;
    assert_eq!(login.told(&second).await, "TOKEN_INVALID");
    let log = login.log();
    for secret in [first, second, third] {
        assert!(!log.contains(&secret), "a secret is logged");
    }
}

/// A key that nobody knows has to be looked for, at an issuer that never answers.
#[tokio::test]
async fn an_issuer_that_hangs_takes_no_place_from_others() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", silent.local_addr().unwrap());
    let merchant = MerchantId::new(Drawn::default().draw());
    let settings = format!(
        "[server]\nrequests_max = 4\n[identity]\njwks_refetch_gap = \"1s\"\n\
         [identity.issuers.login]\nissuer = \"login\"\naudience = [\"payflow\"]\n\
         mode = \"test\"\nmerchant = \"{merchant}\"\njwks_url = \"{url}\"\n"
    );
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
    let settings = [
        ("PAYFLOW_SHOP__ENABLED", "false"),
        ("PAYFLOW_CONFIG", "payflow.toml"),
    ];
    let process = Process::with(folder.path(), &settings);
    let url = format!("{}/api/v1/payments", text(&process.keys["payflowUrl"]));
    let member = || {
        let header = jsonwebtoken::Header {
            kid: Some("nobody's".to_owned()),
            ..jsonwebtoken::Header::default()
        };
        let key = jsonwebtoken::EncodingKey::from_secret(b"any");
        let token = jsonwebtoken::encode(&header, &json!({ "iss": "login" }), &key).unwrap();
        process.client.get(&url).bearer_auth(token)
    };
    let begun = Instant::now();
    loop {
        let mut strangers = JoinSet::new();
        for _ in 0..20 {
            strangers.spawn(answer(member()));
        }
        sleep(Duration::from_millis(500)).await;
        let honest = process.client.get(&url);
        let honest = answer(honest.basic_auth(text(&process.keys["secretKey"]), Some(""))).await;
        assert_eq!(honest.status, 200, "{honest:?}");
        let mut told = Vec::new();
        while let Some(answer) = strangers.try_join_next() {
            told.push(answer.unwrap());
        }
        assert!(told.iter().all(|told| told.status == 503), "{told:?}");
        assert!(told.len() >= 18, "too many wait: {told:?}");
        // Within the gap after a fetch nobody waits, and nothing is shown.
        if told.len() < 20 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waited");
    }
}

#[test]
fn an_issuer_whose_keys_prove_nothing_is_named_at_the_start() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("short"), "too short to be a secret").unwrap();
    for file in ["short", "missing"] {
        let merchant = MerchantId::new(Drawn::default().draw());
        let settings = issuer(file, &merchant.to_string());
        std::fs::write(folder.path().join("payflow.toml"), settings).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_payflow"))
            .current_dir(folder.path())
            .env_clear()
            .env("PAYFLOW_CONFIG", "payflow.toml")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{file}: {said}");
        assert!(
            said.contains("identity.issuers.login.keys"),
            "{file}: {said}"
        );
        assert!(
            !folder.path().join("data").exists(),
            "it left something behind"
        );
    }
}
