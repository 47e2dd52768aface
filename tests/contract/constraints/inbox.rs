//! The statements that the tables of the inbox refuse.

/// As those of the other tables.
pub(super) const CHECKS: &str = "\
hook_tokens_hash_size | hook_tokens | hash = substr(hash, 1, 31)
inbox_id_form | inbox | id = 'inb_x'
inbox_digest_size | inbox | digest = substr(digest, 1, 31)
inbox_kind_size | inbox | kind = ''
inbox_kind_size | inbox | kind = id || id
inbox_verdict_word | inbox | verdict = 'waiting'
inbox_version_counted | inbox | version = 0
inbox_held_until | inbox | holder = 'wrk_1'
security_keys_counted | security_keys | number = 0
hints_claim_word | hints | claim = 'moved'
hints_claimed_key | hints | claim = 'MOVED'
hints_claimed_key | hints | claimed_key = 'txrd_1'
hints_counted | hints | turn = -1
hints_counted | hints | asked = -1
hints_counted | hints | looks = -1
hints_counted | hints | version = 0
hints_held_until | hints | holder = 'wrk_1'";

/// As those of the other tables.
pub(super) const UNIQUE: &str = "\
hook_tokens_key | hook_tokens.hash |
inbox_key | inbox.gateway_account_id, inbox.digest | id = 'inb_' || substr(gateway_account_id, 5)
inbox_one_per_id | inbox.id | digest = (SELECT event_hash FROM payments)
security_keys_key | security_keys.gateway_account_id, security_keys.number | \
    expires_at = created_at
security_keys_one_lasting | security_keys.gateway_account_id | number = 2
hints_key | hints.payment_id |";

/// As those of the other tables.
pub(super) const FOREIGN: &str = "\
hook_tokens_account | hook_tokens | hash = (SELECT event_hash FROM payments); \
    gateway_account_id = 'none'
inbox_account | inbox | id = 'inb_' || substr(gateway_account_id, 5); gateway_account_id = 'none'
inbox_payment | inbox | id = 'inb_' || substr(gateway_account_id, 5); \
    digest = (SELECT event_hash FROM payments); payment_id = 'none'
security_keys_account | security_keys | gateway_account_id = 'none'
hints_payment | hints | payment_id = 'none'";
