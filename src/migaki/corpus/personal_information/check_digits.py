"""Check digits that tell a number of a kind from digits that only look like it."""

from __future__ import annotations

import re

__all__ = ["is_card_number", "is_individual_number"]

# Weights of the 11 digits before the check digit, first to last (総務省令第85号 of 2014, article 5: the
# n-th digit from the right has n + 1, from the 7th on n − 5).
_INDIVIDUAL_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)

# First digits and lengths by issuer (ISO/IEC 7812 and the issuers' published ranges): Visa; Mastercard;
# JCB; American Express; Diners Club; Discover and UnionPay.
_ISSUERS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|2\d\d)\d{12}"
)


def is_individual_number(digits: str) -> bool:
    """Tell whether 12 digits are a My Number (個人番号): the last one checks the others.

    Example:
        >>> is_individual_number("123456789018"), is_individual_number("123456789012")
        (True, False)
    """
    if len(digits) != 12 or len(set(digits)) == 1:
        return False
    total = sum(int(d) * weight for d, weight in zip(digits, _INDIVIDUAL_WEIGHTS, strict=False))
    rest = total % 11
    return int(digits[-1]) == (0 if rest <= 1 else 11 - rest)


def is_card_number(digits: str) -> bool:
    """Tell whether digits are a payment card number: an issuer's range and Luhn's check (ISO/IEC 7812).

    Example:
        >>> is_card_number("4111111111111111"), is_card_number("4111111111111112")
        (True, False)
    """
    if not _ISSUERS.fullmatch(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
