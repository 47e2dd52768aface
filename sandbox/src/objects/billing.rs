//! Owns the Billing object: what a billing key charges, as the API shows it once.

use serde::Serialize;

use super::parts::{BILLING_CARD_COMPANY, BILLING_CARD_NUMBER};
use crate::clock::api_date;
use crate::config::{API_VERSION_2024, Config};
use crate::state::billing::BillingKey;
use crate::state::payment::Method;

/// The card company's name, as billing objects of before June 2024 show it.
const CARD_COMPANY_NAME: &str = "하나";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    m_id: &'a str,
    customer_key: &'a str,
    authenticated_at: String,
    method: &'static str,
    billing_key: &'a str,
    card: Option<Card<'a>>,
    transfers: Option<[Account; 1]>,
    easy_pay: Option<()>,
    /// Gone since version 2024-06-01.
    #[serde(skip_serializing_if = "Option::is_none")]
    card_company: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_number: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the field names are the gateway's"
)]
struct Card<'a> {
    issuer_code: &'static str,
    acquirer_code: &'static str,
    number: &'a str,
    card_type: &'static str,
    owner_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    bank_name: &'static str,
    bank_account_number: &'static str,
}

/// The billing key as JSON text.
pub(crate) fn render(key: &BillingKey, config: &Config) -> String {
    let by_card = key.method == Method::Card;
    let number = key.card.as_deref().unwrap_or(BILLING_CARD_NUMBER);
    let named = by_card && config.settings.api_version != API_VERSION_2024;
    let object = Object {
        m_id: &config.merchant_id,
        customer_key: &key.customer_key,
        authenticated_at: api_date(key.authenticated_at),
        method: key.method.korean(),
        billing_key: &key.billing_key,
        card: by_card.then_some(Card {
            issuer_code: BILLING_CARD_COMPANY,
            acquirer_code: BILLING_CARD_COMPANY,
            number,
            card_type: "신용",
            owner_type: "개인",
        }),
        transfers: (!by_card).then_some([Account {
            bank_name: "우리",
            bank_account_number: "1002****5678",
        }]),
        easy_pay: None,
        card_company: named.then_some(CARD_COMPANY_NAME),
        card_number: named.then_some(number),
    };
    serde_json::to_string(&object).expect("a billing key serialises")
}
