"""One thing that `credits doctor` has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "danger"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a store: how grave, of what, and a sentence with what to do."""

    level: Level
    topic: str
    message: str
