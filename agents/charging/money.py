"""Amounts as people and other systems count them: whole units, with as many decimals as the currency has."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

#: Decimals of the currencies that don't have two (ISO 4217, list one; Chargebee counts the same minor units).
_DECIMALS: Final = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"),
            *("UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def decimals(currency_code: str) -> int:
    """How many decimals a currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return _DECIMALS.get(currency_code, 2)


def whole_units(amount: int, currency_code: str) -> Decimal:
    """Minor units as whole ones, exactly: 9900 USD are 99.00, 5000 JPY are 5000."""
    return Decimal(amount).scaleb(-decimals(currency_code))


def amount_text(amount: int, currency_code: str) -> str:
    """An amount for a sentence: `99.00 USD`, `5000 JPY`."""
    return f"{whole_units(amount, currency_code):f} {currency_code}"


def convert(amount: int, *, source: str, target: str, rate: Decimal) -> int:
    """Minor units of `source` as minor units of `target`; `rate` is how much of target one whole unit of source is."""
    converted = whole_units(amount, source) * rate
    return int(converted.scaleb(decimals(target)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
