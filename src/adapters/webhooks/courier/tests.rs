//! Owns the proof of what a receiver gets and of what its answers mean.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use application::ports::vault::Secret;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use domain::Timestamp;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;
use crate::adapters::webhooks::guard::Names;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SECRETS: [&str; 2] = [
    concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    concat!("whsec", "_plJ3nmyCDGBKInavdOK15jsl5hRHVUmN"),
];

type Heard = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver on this machine.
struct Receiver {
    base: String,
    heard: Heard,
}

impl Receiver {
    async fn open() -> Self {
        let heard = Heard::default();
        let routes = Router::new().route("/{manner}", post(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = routes.with_state(Arc::clone(&heard));
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, app).await });
        Self { base, heard }
    }

    async fn told(&self, courier: &HttpCourier, manner: &str) -> Receipt {
        let url = format!("{}/{manner}", self.base);
        let secrets = SECRETS.map(Secret::from);
        let letter = Letter {
            url: &url,
            id: "msg_1",
            at: Timestamp::from_timestamp(1_614_265_330, 999_000_000).unwrap(),
            secrets: &secrets,
            body: br#"{"amount":1000}"#,
            trace: TRACE.parse().ok(),
        };
        courier.deliver(letter).await
    }
}

async fn answer(
    State(heard): State<Heard>,
    Path(manner): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    heard.lock().unwrap().push((headers, body));
    match manner.as_str() {
        "moved" => Redirect::temporary("/fine").into_response(),
        "gone" => (StatusCode::GONE, "no more").into_response(),
        "busy" => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "120")]).into_response(),
        "slow" => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
        "talkative" => (StatusCode::BAD_REQUEST, "a\u{7}가".repeat(1000)).into_response(),
        _ => "thanks".into_response(),
    }
}

fn courier(exempt: &[&str]) -> HttpCourier {
    HttpCourier::new(&Settings {
        timeout: Duration::from_millis(500),
        exempt: exempt.iter().map(|net| net.parse().unwrap()).collect(),
    })
    .unwrap()
}

fn reply(status: u16, excerpt: &str) -> Reply {
    Reply {
        status,
        excerpt: excerpt.to_owned(),
    }
}

#[tokio::test]
async fn a_receiver_gets_the_bytes_and_a_signature_by_each_secret() {
    let receiver = Receiver::open().await;
    let receipt = receiver.told(&courier(&["127.0.0.0/8"]), "fine").await;
    assert_eq!(receipt, Receipt::Taken(reply(200, "thanks")));
    let heard = receiver.heard.lock().unwrap();
    let [(headers, body)] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert_eq!(body.as_ref(), br#"{"amount":1000}"#);
    let header = |name| headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-id"), "msg_1");
    assert_eq!(header("webhook-timestamp"), "1614265330");
    let by_each = SECRETS.map(|secret| {
        let secret = SigningSecret::read(&secret.into()).unwrap();
        secret.sign("msg_1", 1_614_265_330, body)
    });
    assert_ne!(by_each[0], by_each[1]);
    assert_eq!(header("webhook-signature"), by_each.join(" "));
    assert_eq!(header("traceparent"), TRACE);
}

#[tokio::test]
async fn what_an_answer_means() {
    let receiver = Receiver::open().await;
    let courier = courier(&["127.0.0.0/8"]);
    let told = |manner| receiver.told(&courier, manner);
    assert_eq!(told("gone").await, Receipt::Gone(reply(410, "no more")));
    let refused = |status, excerpt, seconds: Option<u64>| Receipt::Refused {
        reply: reply(status, excerpt),
        retry_after: seconds.map(Duration::from_secs),
    };
    assert_eq!(told("busy").await, refused(503, "", Some(120)));
    assert_eq!(told("moved").await, refused(307, "", None));
    assert_eq!(receiver.heard.lock().unwrap().len(), 3, "nothing followed");
    assert!(matches!(told("slow").await, Receipt::Unanswered(_)));
    let Receipt::Refused { reply, .. } = told("talkative").await else {
        panic!("not refused");
    };
    assert!(reply.excerpt.starts_with("a가a가") && reply.excerpt.len() <= EXCERPT_BYTES_MAX + 3);
}

#[tokio::test]
async fn nothing_is_sent_inwards() {
    let receiver = Receiver::open().await;
    let strict = courier(&[]);
    let port = receiver.base.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:{port}/fine");
        let letter = Letter {
            url: &url,
            id: "msg_1",
            at: Timestamp::UNIX_EPOCH,
            secrets: &SECRETS.map(Secret::from),
            body: b"{}",
            trace: None,
        };
        let receipt = strict.deliver(letter).await;
        let Receipt::Forbidden(why) = receipt else {
            panic!("{host}: {receipt:?}");
        };
        // What a name leads to is not told.
        let expected = if host == "localhost" {
            UNREACHED.to_owned()
        } else {
            format!("{} is not a public address", host.trim_matches(['[', ']']))
        };
        assert_eq!(why, expected, "{host}");
    }
    assert_eq!(receiver.heard.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_like_one_that_leads_inwards() {
    let strict = courier(&[]);
    let mut told = Vec::new();
    for host in ["localhost", "nowhere.invalid"] {
        let url = format!("https://{host}/hooks");
        let letter = Letter {
            url: &url,
            id: "msg_1",
            at: Timestamp::UNIX_EPOCH,
            secrets: &SECRETS.map(Secret::from),
            body: b"{}",
            trace: None,
        };
        told.push(strict.deliver(letter).await);
    }
    assert_eq!(told[0], Receipt::Forbidden(UNREACHED.to_owned()));
    assert_eq!(told[0], told[1]);
}

#[test]
fn an_address_is_looked_at_when_it_is_entered() {
    let strict = courier(&[]);
    assert_eq!(strict.admit("https://shop.example/hooks"), Ok(()));
    for url in [
        "",
        "shop.example",
        "https://10.0.0.1/",
        "http://shop.example/",
    ] {
        assert!(strict.admit(url).is_err(), "{url}");
    }
    let long = format!("https://shop.example/{}", "a".repeat(URL_BYTES_MAX));
    assert!(strict.admit(&long).unwrap_err().contains("2048"));
}

/// A name whose first answer is one address, and every later one another.
struct Rebound {
    first: IpAddr,
    later: IpAddr,
    asked: AtomicUsize,
}

impl Names for Rebound {
    fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![if asked == 0 { self.first } else { self.later }])
    }
}

/// The only exempted address is where the receiver is: the other one stands for what lies inwards.
fn rebound(first: &str, later: &str) -> (HttpCourier, Arc<Rebound>) {
    let names = Arc::new(Rebound {
        first: first.parse().unwrap(),
        later: later.parse().unwrap(),
        asked: AtomicUsize::new(0),
    });
    let settings = Settings {
        timeout: Duration::from_secs(5),
        exempt: vec!["127.0.0.1/32".parse().unwrap()],
    };
    let asked = Arc::<Rebound>::clone(&names);
    let guard = Guard::with(&settings.exempt, asked);
    (HttpCourier::guarded(&settings, guard).unwrap(), names)
}

#[tokio::test]
async fn a_name_that_is_rebound_leads_nowhere_else() {
    let receiver = Receiver::open().await;
    let port = receiver.base.rsplit(':').next().unwrap().to_owned();
    // In the clear goes only what is exempted by its number, or by the name of this machine.
    let name = format!("http://localhost:{port}");
    let named = Receiver {
        base: name,
        heard: Arc::clone(&receiver.heard),
    };
    let (courier, lookups) = rebound("127.0.0.1", "127.0.0.2");
    // What was judged is what is connected to: it is not asked again in between.
    let receipt = named.told(&courier, "fine").await;
    assert_eq!(receipt, Receipt::Taken(reply(200, "thanks")));
    assert_eq!(lookups.asked.load(Ordering::SeqCst), 1, "one judgement");
    assert_eq!(receiver.heard.lock().unwrap().len(), 1);
    // The next connection is judged anew, and by then the name leads inwards.
    let (courier, lookups) = rebound("127.0.0.2", "127.0.0.1");
    let receipt = named.told(&courier, "fine").await;
    assert_eq!(receipt, Receipt::Forbidden(UNREACHED.to_owned()));
    assert_eq!(
        lookups.asked.load(Ordering::SeqCst),
        1,
        "and not until it fits"
    );
    assert_eq!(receiver.heard.lock().unwrap().len(), 1, "nothing was sent");
}
