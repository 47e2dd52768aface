//! Orders that are paid in to an account: what the shop makes of deposits, and of what banks do
//! with them, without anybody looking.

use serde_json::json;

use crate::browser::LOOKING;
use crate::buyer::{Buyer, Seen};
use crate::stand::{Stand, capture, client};

const HOLDER: &str = "%ED%99%8D%EA%B8%B8%EB%8F%99";

/// Puts something into the cart and has an account issued for it; what the shop answers.
async fn asks(buyer: &mut Buyer, bank: &str, holder: &str) -> Seen {
    let page = buyer.get("/products/mug").await;
    let fields = [("product", "mug"), ("quantity", "1")];
    buyer.post("/cart", &page, &fields).await;
    let cart = buyer.get("/cart").await;
    let fields = [("way", "ACCOUNT"), ("bank", bank), ("holder", holder)];
    buyer.post("/orders", &cart, &fields).await
}

/// The number that the order's page shows.
fn number(page: &Seen) -> String {
    let number = page.attribute("data-copy");
    number
        .unwrap_or_else(|| panic!("no number: {page:?}"))
        .to_owned()
}

/// Somebody who has the gateway's key gives the deposit back, past the service.
async fn gives_back(stand: &Stand) {
    let url = stand.text("sandboxUrl");
    let ledger = client().get(format!("{url}/_sandbox/ledger"));
    let ledger: serde_json::Value = ledger.send().await.unwrap().json().await.unwrap();
    let key = ledger["entries"][0]["paymentKey"].as_str().unwrap();
    let account = json!({ "bank": "88", "accountNumber": "110123456789", "holderName": "홍길동" });
    let asked = client()
        .post(format!("{url}/v1/payments/{key}/cancel"))
        .basic_auth(stand.text("gatewaySecretKey"), Some(""))
        .json(&json!({ "cancelReason": "console", "refundReceiveAccount": account }));
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn webhooks_alone_confirm_reopen_and_cancel_an_order() {
    let stand = Stand::with(&LOOKING).await;
    let mut buyer = stand.buyer();
    let order = asks(&mut buyer, "20", HOLDER).await.location.unwrap();
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("awaiting-deposit", Some("PENDING"))
    );
    for told in ["우리은행", "홍길동", "18,000원", "id=\"due\""] {
        assert!(page.text.contains(told), "{told}: {page:?}");
    }
    assert!(!page.text.contains("id=\"pay\""), "no second way: {page:?}");
    let number = number(&page);

    stand.bank("deposits", &number).await;
    // The list asks Payflow nothing.
    buyer.listed(&order, "chip paid").await;
    assert_eq!(stand.ledger().await, [capture(18_000)]);
    stand.bank("deposits/reverse", &number).await;
    buyer.listed_late(&order, "chip deposit-taken-back").await;
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("deposit-taken-back", Some("PENDING"))
    );
    stand.bank("deposits", &number).await;
    buyer.listed(&order, "chip paid").await;
    let page = buyer.get(&order).await;
    assert_eq!(page.attribute("data-status"), Some("CONFIRMED"));
    gives_back(&stand).await;
    buyer.listed_late(&order, "chip refunded").await;
    let page = buyer.get(&order).await;
    assert_eq!(
        (page.scene(), page.attribute("data-status")),
        ("refunded", Some("CANCELLED"))
    );
}

#[tokio::test]
async fn an_account_is_asked_for_sensibly_and_is_its_owners_alone() {
    let stand = Stand::start().await;
    let (mut buyer, mut other) = (stand.buyer(), stand.buyer());
    let long = "x".repeat(31);
    for (bank, holder) in [("92", HOLDER), ("", HOLDER), ("20", ""), ("20", &long)] {
        let refused = asks(&mut buyer, bank, holder).await;
        assert_eq!(refused.status, 400, "{bank} {holder}");
    }
    assert!(buyer.get("/orders").await.text.contains("class=\"empty\""));
    let order = asks(&mut buyer, "20", "%3Cb%3E").await.location.unwrap();
    let page = buyer.get(&order).await;
    assert!(page.text.contains("<dd>&lt;b&gt;</dd>"), "{page:?}");

    let own = other.get("/products/mug").await;
    let fields = [("number", "1"), ("bank", "20"), ("holder", "x")];
    let path = format!("{order}/account");
    assert_eq!(other.post(&path, &own, &fields).await.status, 404);
    assert_eq!(other.get(&format!("{order}/live")).await.status, 404);
    assert_eq!(buyer.post_bare(&path, &fields, &[]).await.status, 403);
    // An order has one account, whoever asks for another.
    let fields = [("number", "2"), ("bank", "88"), ("holder", "x")];
    let again = buyer
        .post(&path, &own_form(&mut buyer.tab()).await, &fields)
        .await;
    assert_eq!(again.location, Some(format!("{order}?notice=stale")));
    assert_eq!(number(&buyer.get(&order).await), number(&page));
}

/// A page of this buyer's with a form.
async fn own_form(buyer: &mut Buyer) -> Seen {
    buyer.get("/products/mug").await
}
