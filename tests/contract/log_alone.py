"""Grants and holds as the log alone tells them."""

from __future__ import annotations

from functools import reduce

from tests.contract.folding import fields


def told(look):
    """Grants and holds by the log alone: the last checkpoint, and what was written since."""
    checkpoints = [found for found in fields(look) if found.get("kind") == "checkpoint"]
    start = checkpoints[-1] if checkpoints else {"as_of": 0, "open": []}
    grants, holds = {}, {}
    for field, text in start["open"]:
        kind, _, name = field.partition(" ")
        if kind == "grant":
            grants[tuple(name.split(" "))] = int(text)
        else:
            words = text.partition("\n")[0].split(" ", 2)
            sources = [part.rpartition("=")[::2] for part in _sources(words[2:])]
            holds[name] = (int(words[0]), [(tuple(n.split(" ")), int(a)) for n, a in sources])
    since = [
        found
        for found, score in zip(fields(look), look.scores, strict=True)
        if score > start["as_of"] and found.get("kind") != "checkpoint"
    ]
    grants, holds = reduce(step, since, (grants, holds))
    return {name[2]: left for name, left in grants.items()}, {
        name: held for name, (held, _) in holds.items()
    }


def _sources(words):
    # '<priority> <expires> <id>=<amount> ...': three words each.
    parts = words[0].split(" ") if words and words[0] else []
    return [" ".join(parts[n : n + 3]) for n in range(0, len(parts), 3)]


def burn(grants, amount):
    paid = []
    for name in sorted(grants):
        part = min(grants[name], amount)
        if part:
            paid.append((name, part))
            grants[name] -= part
            amount -= part
    for name in [name for name, left in grants.items() if not left]:
        del grants[name]
    return paid


def bring_back(grants, paid, total, back):
    """What never expires first, then to the last that paid."""
    back -= total - sum(part for _, part in paid)
    for name, part in reversed(paid):
        given = max(0, min(part, back))
        back -= given
        if given:
            grants[name] = grants.get(name, 0) + given


def step(state, found):
    grants, holds = dict(state[0]), dict(state[1])
    kind, amount = found.get("kind"), found["amount"]
    if isinstance(found.get("grant"), str) and kind != "expire":
        grants[tuple(found["grant"].split(" "))] = amount
    elif kind == "expire" and "grant" in found:
        for name in [name for name in grants if name[2] == found["grant"]]:
            grants[name] += amount
            if not grants[name]:
                del grants[name]
    elif kind == "hold":
        holds[found["id"]] = (-amount, burn(grants, -amount))
    elif kind == "extend":
        held, paid = holds[found["hold"]]
        holds[found["hold"]] = (held - amount, paid + burn(grants, -amount))
    elif kind in ("settle", "release", "expire"):
        held, paid = holds.pop(found["hold"])
        if amount > 0:
            bring_back(grants, paid, held, amount)
        else:
            burn(grants, -amount)
    elif amount < 0:
        burn(grants, -amount)
    return grants, holds
