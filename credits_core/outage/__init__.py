"""Serving while the store is away: up to a limit, written down, and charged afterwards."""

from credits_core.outage.admissions import Admission, new_key
from credits_core.outage.collecting import CollectReport
from credits_core.outage.journal import OutageJournal
from credits_core.outage.lines import RequestKey

__all__ = ["Admission", "CollectReport", "OutageJournal", "RequestKey", "new_key"]
