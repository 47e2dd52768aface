//! The served description is the router's, whole, and does not change unnoticed.

use std::collections::BTreeSet;

use payflow::presentation::catalogue::{Code, Language};
use payflow::presentation::router::{Principal, ROUTES};
use reqwest::Method;
use serde_json::Value;

use crate::rig::{Rig, answer};

async fn served(rig: &Rig) -> Value {
    let served = answer(rig.anonymous(Method::GET, "/openapi.json")).await;
    assert_eq!(served.status, 200);
    served.body
}

#[tokio::test]
async fn it_describes_every_route_and_nothing_else() {
    let rig = Rig::new().await;
    let document = served(&rig).await;
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let table = ROUTES
        .iter()
        .map(|route| format!("{} {}", route.method, route.path));
    assert_eq!(described, table.collect::<BTreeSet<_>>());
    for route in ROUTES {
        let path = route
            .path
            .replace("{paymentId}", "pay_1")
            .replace("{apiKeyId}", "key_1")
            .replace("{endpointId}", "whe_1")
            .replace("{billingKeyId}", "bkey_1")
            .replace("{hookToken}", "hook_1");
        let found = answer(rig.anonymous(route.method.clone(), &path)).await;
        assert_ne!(found.code(), "ROUTE_NOT_FOUND", "{path}");
        assert_ne!(found.code(), "METHOD_NOT_ALLOWED", "{path}");
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let secured = operation["security"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
        // A gateway's credential is in the path.
        let open = [Principal::Anybody, Principal::Gateway];
        let is_open = route.principals.iter().any(|who| open.contains(who));
        assert_eq!(secured, !is_open, "{path}");
        for code in route.refusals {
            let status = code.status().as_u16().to_string();
            let examples = &operation["responses"][&status]["content"]["application/json"];
            let example = &examples["examples"][code.as_str()];
            assert_eq!(example["value"]["code"], code.as_str(), "{path}");
        }
        assert!(
            operation["summary"].is_string() && operation["tags"].is_array(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn its_references_lead_somewhere() {
    let document = served(&Rig::new().await).await;
    let text = document.to_string();
    let mut references = 0;
    for (at, _) in text.match_indices("\"#/components/") {
        let pointer = text[at + 2..].split('"').next().unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{pointer} leads nowhere"
        );
        references += 1;
    }
    assert!(references > 10, "only {references} references were found");
    for name in ["PreparePayment", "ApprovePayment", "Customer"] {
        let closed = &document["components"]["schemas"][name]["additionalProperties"];
        assert_eq!(*closed, Value::Bool(false), "{name} takes unknown fields");
    }
}

#[tokio::test]
async fn its_example_is_a_request_that_is_taken() {
    let rig = Rig::new().await;
    let document = served(&rig).await;
    let example = |name: &str| {
        let properties = &document["components"]["schemas"][name]["properties"];
        let fields = properties.as_object().unwrap().iter();
        let with_example = fields.filter(|(_, schema)| !schema["example"].is_null());
        with_example
            .map(|(field, schema)| (field.clone(), schema["example"].clone()))
            .collect::<serde_json::Map<_, _>>()
    };
    let mut body = example("PreparePayment");
    body.insert("customer".to_owned(), Value::Object(example("Customer")));
    let taken = rig
        .post("/api/v1/payments", Value::Object(body).to_string())
        .await;
    assert_eq!(taken.status, 201, "{taken:?}");
}

/// Without what follows from the catalogue: an answer's examples shrink to their codes.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key("application/problem+json") => {
            let examples = value["application/json"]["examples"].as_object().unwrap();
            examples.keys().cloned().map(Value::String).collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), shortened(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[tokio::test]
async fn it_is_the_one_that_was_reviewed() {
    let document = served(&Rig::new().await).await;
    insta::assert_json_snapshot!("openapi", shortened(&document));
}

#[tokio::test]
async fn the_documentation_page_needs_nothing_from_elsewhere() {
    let rig = Rig::new().await;
    let page = answer(rig.anonymous(Method::GET, "/docs/")).await;
    assert_eq!(page.status, 200);
    let html = page.body.as_str().unwrap();
    assert!(html.contains("swagger-ui"), "{html}");
    assert!(!html.contains("https://"), "{html}");
}

#[test]
fn words_and_messages_are_each_their_own() {
    for (place, code) in Code::ALL.iter().enumerate() {
        for other in &Code::ALL[place + 1..] {
            assert_ne!(code.as_str(), other.as_str());
            for language in [Language::Korean, Language::English] {
                assert_ne!(code.message(language), other.message(language));
            }
        }
        assert!(code.message(Language::English).is_ascii(), "{code:?}");
        assert!(!code.message(Language::Korean).is_ascii(), "{code:?}");
    }
}
