"""The order of what a script writes, and what it looks at before it writes."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

_PROBES = (
    "HINCRBY', KEYS[3], '', 0",
    "HDEL', KEYS[3], ''",
    "ZREM', KEYS[5], ''",
    "ZRANGE', KEYS[4], 0, 0",
    "ZRANGEBYSCORE', KEYS[5], 1, 0",
)

MUTATIONS = (
    *(
        Mutation(
            "parts/tools",
            f"redis.call('{probe})",
            "",
            f"that {probe.partition(chr(39))[0]} is forbidden shows too late",
        )
        for probe in _PROBES
    ),
    Mutation(
        "hold",
        "-- @use tools\nlocal change = -amount\n-- @use write\n",
        "local change = -amount\n-- @use write\n-- @use tools\n",
        "a hold is written before it is known whether it can be",
    ),
    Mutation(
        "parts/write",
        "if live then redis.call('HSET', KEYS[3], 'seen', digits(balance)) end",
        "",
        "what was not written counts as spent by others",
    ),
    Mutation(
        "parts/write",
        "if left then redis.call('HSET', KEYS[3], 'grant ' .. first, digits(left - change)) end",
        "",
        "what was not written is paid by a grant",
    ),
    Mutation(
        "parts/write",
        "if raw then redis.pcall('SET', KEYS[1], raw)",
        "if raw then redis.pcall('GET', KEYS[1])",
        "a balance moves without its entry",
    ),
    Mutation(
        "refund",
        "amount, function(name, part) back[#back + 1] = {name, part} end)",
        "amount)",
        "a refund is given before it is noted",
    ),
    Mutation(
        "recall",
        "redis.call('HSET', KEYS[8], ARGV[3], record",
        "if give then give(string.match(sources, '^[^=]+'), 0) end\n"
        "redis.call('HSET', KEYS[8], ARGV[3], record",
        "what comes back touches grants before it is noted",
    ),
    Mutation(
        "receive",
        "redis.call('HSET', KEYS[8], key, fing",
        "if ARGV[7] then give(ARGV[7], 0) end\nredis.call('HSET', KEYS[8], key, fing",
        "what arrives touches grants before it is noted",
    ),
    Mutation(
        "settle",
        "redis.call('HDEL', KEYS[3], field)\n",
        "give_back(sources, held, held)\ngive_back = function() return '' end\n"
        "redis.call('HDEL', KEYS[3], field)\n",
        "a hold gives back before it has ended",
    ),
    Mutation("extend", "if fresh then", "if false then", "an extension opens no log"),
    Mutation("settle", "if fresh then", "if false then", "an end opens no log"),
    Mutation("recall", "if fresh then", "if false then", "what comes back opens no log"),
)
