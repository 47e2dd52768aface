//! Owns the statements about virtual accounts, and the sagas that have them issued.

/// Name, table, what differs from its valid row.
pub(super) const CHECKS: &str = "\
payments_account_whole | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account_bank = '20'; account_due_at = created_at; account_reversals = 0
payments_account_whole | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_due_at = created_at; account_reversals = 0
payments_account_whole | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_reversals = 0
payments_account_whole | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at
payments_account_when_virtual | payments | account_key = 'k'; account = event_hash; \
    account_bank = '20'; account_due_at = created_at; account_reversals = 0
payments_account_key_size | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = ''; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = 0
payments_account_bank_size | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = ''; account_due_at = created_at; \
    account_reversals = 0
payments_account_reversals_counted | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = -1
payments_account_denied_word | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = 0; account_denied = 'MONEY'; account_denied_at = created_at
payments_account_denied_since | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = 0; account_denied = 'DEPOSIT'
payments_account_denied_since | payments | account_denied = 'DEPOSIT'; \
    account_denied_at = created_at
payments_account_saga_while_waiting | payments | account_saga_id = 'sag_1'
payments_account_refund_word | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = 0; account_refund = 'NONE'; account_refund_at = created_at
payments_account_refund_since | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = 0; account_refund = 'PENDING'
payments_account_refund_since | payments | account_refund = 'PENDING'; \
    account_refund_at = created_at
payments_account_refund_doubted | payments | account_refund_doubted_at = created_at
payments_account_refund_doubted | payments | account_refund_doubted = 'FAILED'; \
    account_refund_doubted_at = created_at
payments_account_refund_doubted | payments | kind = 'VIRTUAL_ACCOUNT'; account_key = 'k'; \
    account = event_hash; account_bank = '20'; account_due_at = created_at; \
    account_reversals = 0; account_refund = 'PENDING'; account_refund_at = created_at; \
    account_refund_doubted = 'PENDING'; account_refund_doubted_at = created_at
payments_account_looked_at | payments | account_look_at = created_at
sagas_sealed_while_open | sagas | phase = 'CLOSED'; outcome = 'APPROVED'; \
    sealed = (SELECT event_hash FROM payments)
entries_movement_form | entries | movement = 'deposit:'
entries_movement_form | entries | movement = 'reversal:'";
