"""Why a card was declined, and whether charging it again makes sense.

A hard decline is about the card itself: it was stolen, lost, closed or has expired, or its number is wrong. The issuer
will say so again, and networks fine merchants who go on asking; so nothing is charged until there is another card.
A soft one is about the moment (no funds, a limit, a fault on the way) and may pass.

The words are those of Stripe's decline codes (https://docs.stripe.com/declines/codes), which most gateways behind
Chargebee share, and of Chargebee's own error codes and causes (https://apidocs.chargebee.com/docs/api/error-handling,
https://apidocs.chargebee.com/docs/api/errors).
"""

from typing import Final

#: Chargebee's word for there being nothing to charge.
NO_CARD: Final = "payment_method_not_present"

_HARD: Final = frozenset(
    {
        "stolen_card",
        "lost_card",
        "pickup_card",
        "restricted_card",
        "expired_card",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "incorrect_number",
        "invalid_account",
        "new_account_information_available",
        "card_not_supported",
        "currency_not_supported",
        "fraudulent",
        "merchant_blacklist",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stop_payment_order",
        # Chargebee's, when there is no card at all or none that may be charged.
        NO_CARD,
        "gateway.payment_method.not_found",
        "payment_method_verification_failed",
        "no_card",
    }
)


def is_hard(decline_code: str | None) -> bool:
    """Whether the card on file will be declined again. A code that we don't know, or none, is taken for a soft one."""
    return decline_code is not None and decline_code.lower() in _HARD
