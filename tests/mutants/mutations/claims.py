"""What revocations claim of open holds."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation(
        "parts/take_back",
        "claim(tx, id, grant, wanted - amount)",
        "claim(tx, id, grant, 0)",
        "what is on hold escapes a revocation",
    ),
    Mutation(
        "parts/take_back",
        "claim(tx, id, grant, wanted - amount)",
        "claim(tx, id, grant, wanted)",
        "what was taken is claimed, too",
    ),
    Mutation(
        "parts/take_back",
        "digits(before.so_far + amount + claimed)",
        "digits(before.so_far + amount)",
        "what is claimed is claimed again",
    ),
    Mutation(
        "parts/take_back",
        'tail = string.sub(tail, 1, -2) .. \',"claimed"',
        'local _ = string.sub(tail, 1, -2) .. \',"claimed"',
        "the log does not say what is claimed",
    ),
    Mutation(
        "parts/take_back",
        "text .. told ..",
        "text ..",
        "told again, a revocation of all claims nothing",
    ),
    Mutation(
        "revoke",
        "answer[5] .. ' ' .. answer[6])",
        "answer[5])",
        "told again under its key, a revocation claims nothing",
    ),
    Mutation(
        "parts/claim",
        "free = free + part elseif",
        "free = free elseif",
        "what a grant paid of a hold is not claimed",
    ),
    Mutation(
        "parts/claim",
        "if name == grant then",
        "if grant then",
        "what another grant paid of a hold is claimed",
    ),
    Mutation(
        "parts/claim",
        "elseif not grant then free = free - part end",
        "end",
        "what grants paid of a hold is claimed of credits that never expire",
    ),
    Mutation(
        "parts/claim",
        "if name == (grant or '') then free = free - part end",
        "",
        "what is claimed already is claimed again",
    ),
    Mutation(
        "parts/claim",
        "if name == (grant or '') then free = free - part end",
        "free = free - part",
        "what is claimed of a grant is not there for others",
    ),
    Mutation("parts/claim", "missing - total)", "missing)", "each hold is claimed for all"),
    Mutation(
        "parts/claim", "count < 10 then", "count < 11 then", "eleven revocations claim a hold"
    ),
    Mutation(
        "parts/claim",
        "ipairs(missing > 0 and redis.call('ZRANGE', KEYS[5], 0, -1) or {})",
        "ipairs(missing > 0 and redis.call('ZREVRANGE', KEYS[5], 0, -1) or {})",
        "the holds that expire last are claimed first",
    ),
    Mutation(
        "parts/claims",
        "math.min(part, returned[grant] or 0)",
        "tonumber(part)",
        "what the work used is taken",
    ),
    Mutation(
        "parts/claims",
        "returned[grant] = (returned[grant] or 0) - due",
        "",
        "two claims take the same credits",
    ),
    Mutation(
        "parts/claims",
        "math.min(one.due, there)",
        "one.due",
        "a claim takes a balance below its floor",
    ),
    Mutation(
        "parts/claims",
        "if one.grant == '' then room = room - amount else take(one.grant, amount) end",
        "room = room - amount",
        "a grant whose claim was paid burns on",
    ),
    Mutation(
        "parts/claims",
        "then room = room - amount else",
        "then else",
        "several claims take a balance below its floor",
    ),
    Mutation(
        "parts/claims",
        "if amount < one.claimed then unclaim(one.addition, one.claimed - amount) end",
        "",
        "what was claimed and not taken cannot be revoked any more",
    ),
    Mutation(
        "parts/claims",
        "digits(before + amount)",
        "digits(amount)",
        "only what the last hold gave back was taken",
    ),
    Mutation(
        "parts/claims",
        "  owed, claimants = {}, {}\nend",
        "end",
        "what is owed is taken twice",
    ),
    Mutation(
        "parts/touch",
        "  redeem()\n",
        "",
        "what is claimed of a hold that expires stays with the user",
    ),
    Mutation(
        "settle", "redeem()\n", "", "what is claimed of a hold that is settled stays with the user"
    ),
    Mutation("extend", ".. action .. claims)", ".. action)", "an extended hold is claimed no more"),
    Mutation(
        "waive",
        "if revocation ~= ARGV[3] then return nil end",
        "",
        "what another revocation claims is let go, too",
    ),
    Mutation(
        "waive",
        "for _, one in ipairs(let_go) do unclaim(one[1], one[2]) end",
        "",
        "what was let go cannot be revoked any more",
    ),
    Mutation(
        "waive",
        "for i = 1, #fields, 2 do redis.call('HSET', KEYS[3], fields[i], fields[i + 1]) end",
        "",
        "nothing is let go",
    ),
    Mutation("waive", "if #let_go > 0 then", "if true then", "what lets nothing go is entered"),
    Mutation("waive", "if now > tonumber(ARGV[1])", "if false", "no deadline for waivers"),
)
