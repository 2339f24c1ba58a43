"""Expiring grants."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation(
        "add",
        "if tonumber(string.sub(grant, 6, 20)) <= now",
        "if false",
        "a grant of the past is taken",
    ),
    Mutation("add", "sizes[4] >= 1000", "false", "grants without end"),
    Mutation("add", "sizes[4] >= 1000", "sizes[4] > 1000", "one grant too many"),
    Mutation(
        "add",
        "if balance > 0 then give(grant, math.min(amount, balance)) end",
        "give(grant, amount)",
        "a debt is not paid before a grant",
    ),
    Mutation(
        "add",
        "math.min(amount, balance)) end\n  schedule()",
        "math.min(amount, balance)) end",
        "a new grant is not looked at",
    ),
    Mutation(
        "parts/grants",
        "redis.call('HSET', KEYS[3], field, digits((before or 0) + amount))",
        "redis.call('HSET', KEYS[3], field, digits(amount))",
        "what comes back replaces what is there",
    ),
    Mutation(
        "parts/grants",
        "if not before and redis.call('ZCARD', KEYS[4]) >= 1000 then return end",
        "",
        "what comes back makes grants without end",
    ),
    Mutation("parts/grants", "KEYS[4]) >= 1000", "KEYS[4]) > 1000", "one returned grant too many"),
    Mutation(
        "parts/grants",
        "if not before and redis.call('ZCARD'",
        "if redis.call('ZCARD'",
        "of a thousand grants none gets anything back",
    ),
    Mutation("parts/payer", "left <= 0", "left < 0", "a grant that is spent lives on"),
    Mutation("parts/payer", "  left = nil\n", "", "a grant pays more than it has, and is owed"),
    Mutation(
        "parts/grants",
        "redis.call('ZADD', KEYS[5], string.sub(name, 6, 20), field)",
        "",
        "a grant never falls due",
    ),
    Mutation(
        "parts/grants",
        "if left > 0 then return amount end",
        "if left >= 0 then return amount end",
        "a grant of 0 stays",
    ),
    Mutation(
        "parts/grants", "return amount + left", "return amount", "a grant pays more than it has"
    ),
    Mutation(
        "parts/grants", "  redis.call('ZREM', KEYS[5], field)\n", "", "a spent grant falls due"
    ),
    Mutation(
        "parts/grants",
        "  redis.call('HDEL', KEYS[3], field)\n  return",
        "  return",
        "a spent grant leaves a trace",
    ),
    Mutation(
        "parts/grants",
        "redis.call('ZRANGE', KEYS[4], 0, 0)[1]\n    if not",
        "redis.call('ZRANGE', KEYS[4], -1, -1)[1]\n    if not",
        "grants burn from the end",
    ),
    Mutation(
        "parts/grants",
        "first = redis.call('ZRANGE', KEYS[4], 0, 0)[1]",
        "first = redis.call('ZRANGE', KEYS[4], -1, -1)[1]",
        "the last grant burns first",
    ),
    Mutation(
        "parts/grants",
        "sources[#sources + 1] = name .. '=' .. digits(part)",
        "",
        "who paid is not kept",
    ),
    Mutation(
        "parts/grants",
        "back = back - (total - granted)",
        "",
        "grants get back before what never expires",
    ),
    Mutation(
        "parts/grants",
        "for i = paid, 1, -1 do",
        "for i = 1, paid do",
        "the first grant gets back first",
    ),
    Mutation(
        "parts/grants",
        "if part > 0 then (to or give)(names[i], part) end",
        "",
        "nothing comes back to grants",
    ),
    Mutation(
        "parts/grants",
        "balance < back and math.max(0, balance) or back",
        "back",
        "a refund does not pay a debt first",
    ),
    Mutation(
        "parts/grants",
        "if still == 0 then return '' end",
        "if true then return '' end",
        "who still pays is forgotten",
    ),
    Mutation(
        "parts/grants",
        "(live or floor ~= 0 or frozen) and '0' or following",
        "(floor ~= 0 or frozen) and '0' or following",
        "an account with grants passes for a plain one",
    ),
    Mutation(
        "parts/grants",
        "(live or floor ~= 0 or frozen) and '0' or following",
        "(live or frozen) and '0' or following",
        "a floor is not looked at again",
    ),
    Mutation(
        "parts/grants",
        "(live or floor ~= 0 or frozen) and '0' or following",
        "(live or floor ~= 0) and '0' or following",
        "a freeze is not looked at again",
    ),
    Mutation("parts/grants", "note('next', following)", "", "nobody knows what falls due next"),
    Mutation(
        "parts/grants",
        "redis.call('HDEL', KEYS[3], unpack(gone))",
        "redis.call('HLEN', KEYS[3])",
        "an account without grants is looked at for ever",
    ),
    Mutation(
        "parts/pay",
        "redis.call('HSET', KEYS[8], 'paid",
        "redis.call('HSET', KEYS[7], 'paid",
        "who paid a charge is kept elsewhere",
    ),
    Mutation(
        "deduct", "if changed then schedule() end", "", "a grant that is spent stays the first"
    ),
    Mutation(
        "batch",
        "if changed then schedule() end",
        "",
        "a grant that a batch has spent stays the first",
    ),
    Mutation(
        "parts/expire",
        "enter('grant', string.sub(name, 22), -amount",
        "enter('grant', string.sub(name, 22), amount",
        "an expiry adds",
    ),
    Mutation(
        "parts/expire",
        "last and last >= now and last + 2 ^ -10 or now",
        "now",
        "what falls due at once shares a score",
    ),
    Mutation(
        "parts/expire",
        "if math.floor(score) ~= whole_ms then",
        "if not ms then",
        "what falls due at once shares a millisecond",
    ),
    Mutation(
        "parts/expire",
        "'%04.0f', (score - whole_ms) * 10000",
        "'%02.0f', (score - whole_ms) * 99",
        "scores are told to a hundredth",
    ),
    Mutation(
        "parts/expire",
        "  all('ZREM', KEYS[4], grants)\n  for",
        "  for",
        "an expired grant burns on",
    ),
    Mutation(
        "parts/expire",
        "pcall(all, 'ZADD', KEYS[2], entries)",
        "true, ''",
        "an expiry is not in the log",
    ),
    Mutation(
        "parts/expire", "  redis.call('SET', KEYS[1], raw)\n", "", "an expiry is not in the balance"
    ),
    Mutation(
        "parts/expire",
        "claim_back(claims, sources, held, held, collect)",
        "",
        "an expired hold gives nothing back to grants",
    ),
    Mutation(
        "parts/expire",
        "remaining[name] + (back[name] or 0)",
        "remaining[name]",
        "what comes back to a grant that is over stays",
    ),
    Mutation(
        "parts/expire",
        "(back[name] or 0))\n      back[name] = nil",
        "(back[name] or 0))",
        "what comes back to a grant that is over goes twice",
    ),
    Mutation(
        "parts/expire",
        "lapse(name, back[name])\n      back[name] = nil",
        "lapse(name, back[name])",
        "what comes back to a grant that was over before goes and stays",
    ),
    Mutation(
        "parts/expire",
        "    all('ZREM', KEYS[4], grants)\n    return",
        "    return",
        "a grant whose state is gone burns on",
    ),
    Mutation(
        "parts/expire",
        "      lapse(name, back[name])\n",
        "",
        "what comes back to a grant that was over before stays",
    ),
    Mutation(
        "parts/expire",
        "if back[name] then give(name, back[name]) end",
        "",
        "an expired hold revives no grant",
    ),
    Mutation(
        "parts/expire",
        "back[name] = (back[name] or 0) + amount",
        "back[name] = amount",
        "of several holds one gives back",
    ),
)
