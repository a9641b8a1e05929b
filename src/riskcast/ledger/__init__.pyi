from .outside_numbers import OutsideNumber as OutsideNumber
from .publishing import Publication as Publication, publish as publish, publish_numbers as publish_numbers
from .reading import LedgerContents as LedgerContents, read_ledger as read_ledger
from .receipts import Receipts as Receipts, verify_ledger as verify_ledger
from .records import (
    LedgerAnswer as LedgerAnswer,
    LedgerEntry as LedgerEntry,
    LedgerForecast as LedgerForecast,
    LedgerQuestion as LedgerQuestion,
)
from .resolving import Resolutions as Resolutions, resolve as resolve, resolve_by_hand as resolve_by_hand
from .tracking import track as track
