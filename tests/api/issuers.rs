//! The binary with an issuer of members' tokens: who is believed, and by which time.

use std::process::Command;

use application::ports::{Clock as _, Ids as _};
use domain::id::MerchantId;
use payflow::adapters::clock::Wall;
use payflow::adapters::ids::Drawn;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::rig::{answer, text};

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
