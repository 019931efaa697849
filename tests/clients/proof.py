"""Saying what holds: one line for each thing proved, and an end at the first that does not."""

import json
from contextlib import contextmanager
from decimal import Decimal

from intuitlib.exceptions import AuthClientError
from quickbooks.exceptions import QuickbooksException


def proved(what, holds=True):
    """Prints what holds, or ends the run."""
    if not holds:
        raise AssertionError(what)
    print("proved:", what, flush=True)


def same(what, found, expected):
    """The same, with both values told when they differ."""
    proved(what, True) if found == expected else proved(f"{what}: {found!r}, not {expected!r}", False)


@contextmanager
def refused(what, kind, code, saying=""):
    """The block must raise exactly this type, with this code."""
    try:
        yield
    except QuickbooksException as error:
        found = (type(error).__name__, error.error_code, saying if saying in str(error) else str(error))
        same(f"{what} is {kind.__name__} {code}", found, (kind.__name__, code, saying))
    else:
        proved(f"{what} is refused", False)


@contextmanager
def not_signed_in(what, status, reason):
    """The block must raise intuit-oauth's error, with Intuit's reason in its body."""
    try:
        yield
    except AuthClientError as error:
        told = (error.status_code, json.loads(error.content)["error"], error.intuit_tid is not None)
        same(f"{what} is AuthClientError {status} {reason}", told, (status, reason, True))
    else:
        proved(f"{what} is refused", False)


def money(amount):
    """An amount to the letter; a float would have lost it."""
    assert isinstance(amount, (Decimal, int)), f"{amount!r} is no exact amount"
    return str(amount)
