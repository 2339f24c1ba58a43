"""Holds."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation(
        "hold",
        "local change = -amount",
        "local change = 0",
        "a hold leaves the credits where they are",
    ),
    Mutation(
        "hold",
        "redis.call('HSET', KEYS[3], field,\n",
        "string.format('%s%s', field,\n",
        "a hold is not kept",
    ),
    Mutation("hold", "redis.call('ZADD', KEYS[5], ARGV[9], field)", "", "a hold never expires"),
    Mutation(
        "hold", "local sources = burn(amount)", "local sources = ''", "a hold leaves grants alone"
    ),
    Mutation("hold", ">= 1000 then", "> 1000 then", "one hold too many"),
    Mutation("hold", "sizes[5] - sizes[4]", "sizes[5]", "grants count as holds"),
    Mutation("hold", "\nschedule()", "\n", "a hold is not looked at when it expires"),
    Mutation(
        "hold",
        "if key then\n  -- See part records",
        "if false then\n  -- See part records",
        "the key of a hold is not kept",
    ),
    Mutation(
        "settle",
        "if closed and string.sub(closed",
        "if false and string.sub(closed",
        "an end told again is refused",
    ),
    Mutation(
        "settle",
        "string.sub(closed, 1, #ARGV[8] + 1) == ARGV[8] .. '\\n'",
        "string.sub(closed, 1, 6) == 'settle'",
        "another end replays",
    ),
    Mutation("settle", "if now > tonumber(ARGV[1])", "if false", "no deadline for ends of holds"),
    Mutation("settle", "redis.call('HDEL', KEYS[3], field)", "", "an ended hold stays open"),
    Mutation("settle", "redis.call('ZREM', KEYS[5], field)", "", "an ended hold falls due"),
    Mutation(
        "settle",
        "local more = amount - held",
        "local more = held - amount",
        "the wrong rest comes back",
    ),
    Mutation("settle", "more = math.min(more, room)", "", "taking what there is takes more"),
    Mutation(
        "settle",
        "math.max(0, balance - floor)",
        "math.max(0, balance)",
        "a settle ignores the floor",
    ),
    Mutation("settle", "frozen and 0 or", "", "a frozen account pays beyond its holds"),
    Mutation(
        "settle", "ARGV[6] == 'refuse' and more > room", "false", "a shortfall is owed unasked"
    ),
    Mutation(
        "settle",
        "ARGV[6] == 'refuse' and more > room",
        "ARGV[6] == 'refuse' and more >= room",
        "the last credit is not settled",
    ),
    Mutation(
        "settle",
        "sources = claim_back(claims, sources, held, math.max(0, -more))",
        "sources = ''",
        "what comes back is not the grant's",
    ),
    Mutation(
        "settle",
        "joined(sources, burn(more))",
        "sources",
        "what is settled beyond leaves grants alone",
    ),
    Mutation(
        "settle",
        "if sources ~= '' then redis.call('HSET', KEYS[8], 'paid",
        "if false then redis.call('HSET', KEYS[8], 'paid",
        "who paid a hold is not kept",
    ),
    Mutation(
        "settle",
        "redis.call('HSET', KEYS[6 + generation], 'hold",
        "redis.call('HSET', KEYS[8], 'hold",
        "how a hold ended is kept elsewhere",
    ),
    Mutation("settle", "\nexpire()\n", "\n", "a release revives a grant that is over"),
    Mutation(
        "settle",
        "closed and ARGV[7] == 'charge' and",
        "closed and",
        "an expired hold is charged unasked",
    ),
    Mutation(
        "settle",
        "'^expire\\n[^\\n]*\\n(.*)$'",
        "'^%a+[^\\n]*\\n[^\\n]*\\n?(.*)$'",
        "any ended hold is charged again",
    ),
    Mutation(
        "parts/expire",
        "enter('hold', name, held, action)",
        "enter('hold', name, -held, action)",
        "an expired hold costs twice",
    ),
    Mutation(
        "parts/expire",
        "if #closed > 0 then all",
        "if false then all",
        "how an expired hold ended is not kept",
    ),
    Mutation(
        "parts/closed",
        "for i = 6, 7 do",
        "for i = 6, 6 do",
        "ends of the other generation are not found",
    ),
    Mutation(
        "extend",
        "if now > tonumber(ARGV[1])",
        "if false",
        "no deadline for extensions",
    ),
    Mutation(
        "extend",
        "held + amount > MAX_AMOUNT",
        "false",
        "a hold grows beyond what an amount may be",
    ),
    Mutation(
        "parts/joined",
        "if string.sub(more, 1, #name + 1) == name .. '=' then",
        "if false then",
        "a hold that is extended again and again grows long",
    ),
    Mutation(
        "parts/joined", "digits(part + again)", "digits(part)", "of a grant that goes on one part"
    ),
    Mutation("parts/joined", ".. rest\n", "\n", "of those who paid beyond the last none is kept"),
    Mutation(
        "extend",
        "math.max(tonumber(expires), tonumber(ARGV[5]) or 0)",
        "tonumber(ARGV[5]) or tonumber(expires)",
        "an extension ends a hold earlier",
    ),
    Mutation(
        "extend",
        "digits(held + amount), burn",
        "digits(held), burn",
        "an extension loses credits",
    ),
    Mutation("extend", "burn(amount)\n", "''\n", "an extension leaves grants alone"),
    Mutation(
        "extend",
        "redis.call('ZADD', KEYS[5], later, field)",
        "",
        "an extension does not put off the expiry",
    ),
    Mutation("extend", "post(ARGV[2], -amount)", "post(ARGV[2], 0)", "an extension costs nothing"),
    Mutation("extend", "if amount > 0 then", "if false then", "an extension is not checked"),
    Mutation(
        "extend",
        "redis.call('HSET', KEYS[6 + generation], key,",
        "redis.call('HSET', KEYS[6 + generation], '',",
        "the key of an extension is not kept",
    ),
)
