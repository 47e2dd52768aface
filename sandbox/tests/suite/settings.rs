//! Owns the settings that no other test is about: each behaviour in each of its values.

use reqwest::Method;
use serde_json::{Value, json};
use toss_sandbox::{
    CardDiscount, Decline, ErrorData, OldConfirm, OrderIdCharacters, Padding, PaymentOfOrder,
    PaymentType, RefundableAmount, Secret, Settings, TaxFreeMismatch, TooManyRequests,
};

use crate::support::{Bench, Reply, SECRET_KEY, authorization, confirm_body, send};
use crate::window::{open_window, press, redirect};

async fn read_with(bench: &Bench, header: &str) -> Reply {
    let url = format!("{}/v1/payments/unknown", bench.sandbox.url());
    let request = bench.client.get(url).header("authorization", header);
    send(request).await.expect("an answer")
}

#[tokio::test]
async fn codes_of_wrong_confirms_are_settings() {
    let bench = Bench::with_settings(|settings| {
        settings.wrong_amount_code = "INVALID_REQUEST";
        settings.wrong_order_code = "NOT_FOUND_PAYMENT";
        settings.unknown_payment_key_code = "NOT_FOUND_PAYMENT";
    })
    .await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let wrong_amount = bench.confirm(&payment_key, "order-0001", 999).await;
    wrong_amount.refused(400, "INVALID_REQUEST");
    let wrong_order = bench.confirm(&payment_key, "order-0002", 1000).await;
    wrong_order.refused(404, "NOT_FOUND_PAYMENT");
    let unknown = bench.confirm("tsimsnever", "order-0001", 1000).await;
    unknown.refused(404, "NOT_FOUND_PAYMENT");
    assert_eq!(bench.payment(&payment_key).await["status"], "IN_PROGRESS");
}

#[tokio::test]
async fn the_code_of_a_cancel_before_paying_is_a_setting() {
    let bench = Bench::with_settings(|settings| {
        settings.unpaid_cancel_code = "FORBIDDEN_REQUEST";
    })
    .await;
    let payment_key = bench.authenticate("order-0001", 1000).await;
    let reply = bench
        .cancel(&payment_key, json!({ "cancelReason": "x" }))
        .await;
    reply.refused(403, "FORBIDDEN_REQUEST");
}

#[tokio::test]
async fn statuses_that_sources_disagree_on_are_settings() {
    for (unauthorized, format, consecutive) in [(401, 403, 403), (403, 401, 429)] {
        let bench = Bench::with_settings(|settings| {
            settings.unauthorized_key_status = unauthorized;
            settings.basic_auth_format_status = format;
            settings.consecutive_request_status = consecutive;
        })
        .await;
        let stranger = authorization("test_sk_other:");
        let reply = read_with(&bench, &stranger).await;
        reply.refused(unauthorized, "UNAUTHORIZED_KEY");
        let reply = read_with(&bench, &authorization(SECRET_KEY)).await;
        reply.refused(format, "INCORRECT_BASIC_AUTH_FORMAT");
        let request = bench.api(Method::GET, "/v1/payments/unknown");
        let code = "FORBIDDEN_CONSECUTIVE_REQUEST";
        let reply = send(request.header("TossPayments-Test-Code", code)).await;
        reply.expect("an answer").refused(consecutive, code);
    }
}

#[tokio::test]
async fn a_null_data_comes_with_unauthorised_calls_alone_or_never() {
    for (setting, expected) in [(ErrorData::OnUnauthorized, true), (ErrorData::Never, false)] {
        let bench = Bench::with_settings(|settings| settings.error_data = setting).await;
        let stranger = read_with(&bench, &authorization("test_sk_other:")).await;
        assert_eq!(stranger.json().get("data").is_some(), expected);
        let unknown = bench.get("/v1/payments/unknown").await;
        assert_eq!(unknown.json().get("data"), None);
    }
}

#[tokio::test]
async fn a_429_has_a_code_or_nothing() {
    for (setting, expected) in [
        (TooManyRequests::Code, Some("TOO_MANY_REQUESTS")),
        (TooManyRequests::Empty, None),
    ] {
        let bench = Bench::with_settings(|settings| settings.too_many_requests = setting).await;
        bench
            .fault(json!({ "operation": "get", "fault": { "type": "tooManyRequests" } }))
            .await;
        let reply = bench.get("/v1/payments/unknown").await;
        assert_eq!(reply.status, 429);
        match expected {
            Some(code) => assert_eq!(reply.json()["code"], code),
            None => assert_eq!(reply.text, ""),
        }
    }
}

#[tokio::test]
async fn credentials_without_padding_are_taken_or_not() {
    let padded = authorization(&format!("{SECRET_KEY}:"));
    let bare = padded.trim_end_matches('=');
    assert_ne!(padded, bare);
    for (setting, status) in [(Padding::Optional, 404), (Padding::Required, 401)] {
        let bench = Bench::with_settings(|settings| settings.padding = setting).await;
        assert_eq!(read_with(&bench, bare).await.status, status);
        assert_eq!(read_with(&bench, &padded).await.status, 404);
    }
}

#[tokio::test]
async fn order_ids_have_the_characters_set() {
    let cases = [
        (OrderIdCharacters::Documented, [200, 400, 400]),
        (OrderIdCharacters::Equals, [200, 200, 400]),
        (OrderIdCharacters::EqualsAndDot, [200, 200, 200]),
    ];
    for (setting, expected) in cases {
        let bench = Bench::with_settings(|settings| settings.order_id_characters = setting).await;
        let mut seen = Vec::new();
        for order_id in ["order_-1", "order=1", "order.1"] {
            let body = json!({ "orderId": order_id, "amount": 1000 });
            seen.push(bench.post("/_sandbox/authenticate", body).await.status);
        }
        assert_eq!(seen, expected, "{setting:?}");
    }
}

#[tokio::test]
async fn an_order_stands_for_its_newest_approved_or_newest_payment() {
    for (setting, approved_first) in [
        (PaymentOfOrder::NewestApproved, true),
        (PaymentOfOrder::Newest, false),
    ] {
        let bench = Bench::with_settings(|settings| settings.payment_of_order = setting).await;
        let paid = bench.paid("order-0001", 1000).await;
        let newest = bench.authenticate("order-0001", 1000).await;
        let seen = bench.get("/v1/payments/orders/order-0001").await.json();
        let expected = if approved_first { paid } else { newest };
        assert_eq!(seen["paymentKey"], expected.as_str());
    }
}

#[tokio::test]
async fn a_decline_ends_the_payment_or_leaves_it() {
    for (setting, status, again) in [
        (Decline::Aborts, "ABORTED", "ALREADY_PROCESSED_PAYMENT"),
        (Decline::KeepsInProgress, "IN_PROGRESS", "FDS_ERROR"),
    ] {
        let bench = Bench::with_settings(|settings| settings.decline = setting).await;
        let body = json!({ "orderId": "order-0001", "amount": 1000, "scenario": "FDS_ERROR" });
        let payment_key = bench.authenticate_as(body).await;
        let first = bench.confirm(&payment_key, "order-0001", 1000).await;
        first.refused(403, "FDS_ERROR");
        assert_eq!(bench.payment(&payment_key).await["status"], status);
        let second = bench.confirm(&payment_key, "order-0001", 1000).await;
        assert_eq!(second.json()["code"], again);
    }
}

#[tokio::test]
async fn payments_have_a_secret_or_none() {
    for (setting, expected) in [(Secret::Sent, true), (Secret::Null, false)] {
        let bench = Bench::with_settings(|settings| settings.secret = setting).await;
        let payment_key = bench.paid("order-0001", 1000).await;
        let payment = bench.payment(&payment_key).await;
        assert_eq!(payment["secret"].is_string(), expected, "{payment}");
        assert!(payment.get("secret").is_some(), "the key is always there");
    }
}

#[tokio::test]
async fn the_balance_a_cancel_names_is_compared_or_ignored() {
    for (setting, status, left) in [
        (RefundableAmount::Checked, 400, 1000),
        (RefundableAmount::Ignored, 200, 900),
    ] {
        let bench = Bench::with_settings(|settings| settings.refundable_amount = setting).await;
        let payment_key = bench.paid("order-0001", 1000).await;
        let body = json!({ "cancelReason": "x", "cancelAmount": 100, "refundableAmount": 500 });
        assert_eq!(bench.cancel(&payment_key, body).await.status, status);
        assert_eq!(bench.payment(&payment_key).await["balanceAmount"], left);
    }
}

#[tokio::test]
async fn a_part_without_tax_that_does_not_fit_is_refused_or_adjusted() {
    // Of 10,000 with 3,000 without tax: what is asked for, and what an adjusting gateway takes.
    let cases = [
        (9000, 0, 2000),
        (9000, 1000, 2000),
        (5000, 4000, 3000),
        (10_000, 1, 3000),
    ];
    for (amount, asked, taken) in cases {
        for setting in [TaxFreeMismatch::Refused, TaxFreeMismatch::Adjusted] {
            let bench = Bench::with_settings(|settings| settings.tax_free_mismatch = setting).await;
            let body = json!({ "orderId": "order-0001", "amount": 10_000, "taxFreeAmount": 3000 });
            let payment_key = bench.authenticate_as(body).await;
            bench.confirm(&payment_key, "order-0001", 10_000).await;
            let body = json!({
                "cancelReason": "x", "cancelAmount": amount, "taxFreeAmount": asked,
            });
            let reply = bench.cancel(&payment_key, body).await;
            if setting == TaxFreeMismatch::Refused {
                reply.refused(400, "INVALID_REQUEST");
                continue;
            }
            let payment = reply.json();
            assert_eq!(payment["cancels"][0]["taxFreeAmount"], taken);
            assert_eq!(payment["taxFreeAmount"], 3000 - taken);
            assert_eq!(bench.ledger().await[1]["taxFreeAmount"], taken);
        }
    }
}

#[tokio::test]
async fn cancels_show_a_card_discount_or_leave_it_out() {
    for (setting, expected) in [(CardDiscount::Sent, Some(0)), (CardDiscount::Omitted, None)] {
        let bench = Bench::with_settings(|settings| settings.card_discount = setting).await;
        let payment_key = bench.paid("order-0001", 1000).await;
        let reply = bench
            .cancel(&payment_key, json!({ "cancelReason": "x" }))
            .await;
        let cancel = &reply.json()["cancels"][0];
        assert_eq!(
            cancel.get("cardDiscountAmount").and_then(Value::as_i64),
            expected
        );
        assert_eq!(cancel["transferDiscountAmount"], 0);
    }
}

#[tokio::test]
async fn the_way_back_has_a_payment_type_or_none() {
    let sent = ["from", "paymentType", "orderId", "paymentKey", "amount"];
    let omitted = ["from", "orderId", "paymentKey", "amount"];
    for (setting, expected) in [
        (PaymentType::Sent, sent.as_slice()),
        (PaymentType::Omitted, omitted.as_slice()),
    ] {
        let bench = Bench::with_settings(|settings| settings.payment_type = setting).await;
        let path = open_window(&bench).await;
        let (_, parameters) = redirect(&press(&bench, &path, "action=approve").await);
        let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn numbers_and_times_are_settings_too() {
    let bench = Bench::with_settings(|settings| {
        for (name, value) in [
            ("apiVersion", "2024-06-01"),
            ("windowMinutes", "2"),
            ("confirmationMinutes", "1"),
            ("idempotencyDays", "1"),
            ("cardAmountMin", "500"),
            ("settlementRowsMax", "7"),
            ("soldAfterDays", "0"),
            ("paidOutAfterDays", "1"),
            ("feePerMille", "100"),
        ] {
            settings.set(name, value).expect("it is known");
        }
    })
    .await;
    let small = json!({ "orderId": "order-0000", "amount": 499 });
    let reply = bench.post("/_sandbox/authenticate", small).await;
    reply.refused(400, "BELOW_MINIMUM_AMOUNT");

    let opened = crate::confirm::create(&bench, "order-0001").await;
    let opened = opened["paymentKey"].as_str().expect("a key").to_owned();
    let waiting = bench.authenticate("order-0002", 1000).await;
    let payment_key = bench.authenticate("order-0003", 1000).await;
    let body = confirm_body(&payment_key, "order-0003", 1000);
    let path = "/v1/payments/confirm";
    let paid = bench.post_as("key-1", path, body.clone()).await.json();
    assert_eq!(paid["version"], "2024-06-01");
    bench.advance(60).await;
    assert_eq!(bench.payment(&waiting).await["status"], "EXPIRED");
    assert_eq!(bench.payment(&opened).await["status"], "READY");
    bench.advance(60).await;
    assert_eq!(bench.payment(&opened).await["status"], "EXPIRED");

    bench.advance(86_400).await;
    let anew = bench.post_as("key-1", path, body).await;
    anew.refused(400, "ALREADY_PROCESSED_PAYMENT");
    let days = "startDate=2020-01-01&endDate=2100-01-01";
    let beyond = bench.get(&format!("/v1/settlements?{days}&size=8")).await;
    beyond.refused(400, "EXCEED_MAX_QUERY_LIMIT");
    let row = bench.get(&format!("/v1/settlements?{days}")).await.json()[0].clone();
    let approved = paid["approvedAt"].as_str().expect("a date");
    assert_eq!(row["soldDate"], approved[..10]);
    assert_ne!(row["paidOutDate"], row["soldDate"]);
    assert_eq!(
        (&row["supplyAmount"], &row["fee"]),
        (&json!(100), &json!(110))
    );
}

#[tokio::test]
async fn a_minute_has_so_many_calls_of_a_kind() {
    let bench = Bench::with_settings(|settings| settings.requests_per_minute = 3).await;
    // A whole minute lies ahead, so that the calls do not fall into two.
    let now = bench.get("/_sandbox/clock").await.json()["now"].clone();
    let second: i64 = now.as_str().expect("a date")[17..19]
        .parse()
        .expect("a second");
    bench.advance(60 - second).await;
    for _ in 0..3 {
        let unknown = bench.get("/v1/payments/unknown").await;
        unknown.refused(404, "NOT_FOUND_PAYMENT");
    }
    let full = bench.get("/v1/payments/unknown").await;
    full.refused(429, "TOO_MANY_REQUESTS");
    let other_kind = bench.get("/v1/payments/orders/unknown").await;
    other_kind.refused(404, "NOT_FOUND_PAYMENT");
    bench.advance(60).await;
    let next = bench.get("/v1/payments/unknown").await;
    next.refused(404, "NOT_FOUND_PAYMENT");
}

#[tokio::test]
async fn the_old_confirm_is_absent_or_served() {
    for (setting, expected) in [(OldConfirm::Absent, 404), (OldConfirm::Served, 200)] {
        let bench = Bench::with_settings(|settings| settings.old_confirm = setting).await;
        let payment_key = bench.authenticate("order-0001", 1000).await;
        let path = format!("/v1/payments/{payment_key}");
        let body = json!({ "orderId": "order-0001", "amount": 1000 });
        let reply = bench.post(&path, body.clone()).await;
        assert_eq!(reply.status, expected, "{}", reply.text);
        if setting == OldConfirm::Absent {
            reply.refused(404, "NOT_FOUND_HTTP_METHOD");
            assert!(bench.ledger().await.is_empty());
        } else {
            assert_eq!(bench.payment(&payment_key).await["status"], "DONE");
            let again = bench.post(&path, body).await;
            again.refused(400, "ALREADY_PROCESSED_PAYMENT");
            assert_eq!(bench.calls().await[0]["orderId"], "order-0001");
        }
    }
}

#[tokio::test]
async fn a_card_can_be_given_back_for_ever_or_for_so_many_days() {
    for (days, status) in [(0, 200), (365, 403)] {
        let bench = Bench::with_settings(|settings| settings.card_refund_days = days).await;
        let payment_key = bench.paid("order-0001", 1000).await;
        let body = json!({ "cancelReason": "x", "cancelAmount": 100 });
        bench.advance(365 * 86_400 - 60).await;
        assert_eq!(bench.cancel(&payment_key, body.clone()).await.status, 200);
        bench.advance(120).await;
        let late = bench.cancel(&payment_key, body).await;
        assert_eq!(late.status, status, "{}", late.text);
    }
}

#[tokio::test]
async fn settings_are_shown_by_name() {
    let change = |settings: &mut Settings| settings.set("typing", "strict").expect("it is known");
    let bench = Bench::with_settings(change).await;
    let shown = bench.get("/_sandbox/settings").await.json();
    assert_eq!(
        (&shown["typing"], &shown["secret"], &shown["windowMinutes"]),
        (&json!("strict"), &json!("sent"), &json!(30))
    );
}
