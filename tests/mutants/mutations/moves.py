"""Charges and additions."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation("parts/witness", "if seen then", "if false then", "a second copy is not recognised"),
    Mutation("parts/records", "if record then", "if false then", "keys are not looked up"),
    Mutation(
        "parts/records", "for i = 6, 8 do", "for i = 6, 7 do", "keys of additions are not looked up"
    ),
    Mutation(
        "parts/records", "for i = 6, 8 do", "for i = 7, 8 do", "keys of one generation are not"
    ),
    Mutation(
        "parts/records",
        "same and 'replayed'",
        "not same and 'replayed'",
        "replay and conflict swapped",
    ),
    Mutation("parts/records", "same and 'replayed'", "'replayed'", "another request replays"),
    Mutation("parts/entry", "if now > tonumber(ARGV[1])", "if false", "no deadline for charges"),
    Mutation("batch", "if now > tonumber(ARGV[1])", "if false", "no deadline for batches"),
    Mutation(
        "parts/afford",
        "balance - amount < floor",
        "balance - amount <= floor",
        "the last credit is not spent",
    ),
    Mutation(
        "parts/afford", "balance - amount < floor", "balance < floor", "more is spent than there is"
    ),
    Mutation(
        "parts/afford", "balance - amount < floor", "balance - amount < 0", "the floor is ignored"
    ),
    Mutation(
        "parts/afford",
        "digits(balance - floor)",
        "digits(balance)",
        "what is told ignores the floor",
    ),
    Mutation("parts/afford", "if frozen then", "if false then", "a freeze is ignored"),
    Mutation("parts/charge", "local change = -amount", "local change = amount", "a charge adds"),
    Mutation(
        "deduct",
        "KEYS[6 + generation], key",
        "KEYS[7 - generation], key",
        "a key in the older generation",
    ),
    Mutation("parts/charge", "if fresh then", "if false then", "a charge opens no log"),
    Mutation("collect", "if now > tonumber(ARGV[1])", "if false", "no deadline for collections"),
    Mutation("collect", "if frozen then", "if false then", "a frozen account is collected from"),
    Mutation("collect", "balance - floor)", "balance)", "a collection goes below the floor"),
    Mutation(
        "collect", "math.min(amount, balance - floor)", "balance - floor", "all there is is taken"
    ),
    Mutation("collect", "if amount < 1 then", "if amount < 0 then", "an entry of nothing"),
    Mutation(
        "collect",
        "KEYS[6 + generation], key",
        "KEYS[7 - generation], key",
        "a collection is remembered in the older generation",
    ),
    Mutation(
        "collect",
        ".. ' ' .. taken)",
        ".. ' ' .. ARGV[4])",
        "what was taken in part is told as all",
    ),
    Mutation("collect", "if changed then schedule() end", "", "a grant that paid stays the first"),
    Mutation("add", "if fresh then", "if false then", "an addition opens no log"),
    Mutation("hold", "if fresh then", "if false then", "a hold opens no log"),
    Mutation("batch", "if fresh then", "if false then", "a batch opens no log"),
    Mutation(
        "parts/charge",
        "if live then\n  -- @use burned",
        "if false then\n  -- @use burned",
        "charges leave grants alone",
    ),
    Mutation(
        "add",
        "if balance + amount > MAX_BALANCE",
        "if false",
        "an addition passes the largest balance",
    ),
    Mutation(
        "add",
        "redis.call('HSET', KEYS[8], key, fing",
        "redis.call('HSET', KEYS[6], key, fing",
        "a payment is forgotten after two months",
    ),
    Mutation(
        "parts/write", "last and last >= now", "false", "scores follow a clock that is set back"
    ),
    Mutation("parts/write", "last + 2 ^ -10", "last + 2 ^ 10", "scores run ahead of time"),
    Mutation(
        "parts/write", "redis.pcall('SET', KEYS[1], text)", "{ok = 1}", "the balance is not written"
    ),
    Mutation(
        "parts/write", "redis.pcall('ZADD', KEYS[2], at, member)", "1", "the log is not written"
    ),
    Mutation("parts/write", "if mark then", "if false then", "a sign-up leaves no mark"),
    Mutation("parts/write", ", 'seen', text)", ")", "what we spend counts as spent by others"),
    Mutation("parts/write", ", 'grant ' .. first, digits(left))", ")", "a grant pays for ever"),
    Mutation(
        "parts/write", "'seen', text, 'gr", "'gr", "what a grant paid counts as spent by others"
    ),
    Mutation(
        "parts/write",
        "raw, balance = score, text, balance + change",
        "raw, balance = score, text, balance",
        "the next entry of a script starts from the old balance",
    ),
    Mutation(
        "parts/generation",
        "generation = 1 - generation",
        "generation = 0 + generation",
        "the younger records are emptied",
    ),
    Mutation(
        "parts/generation",
        "redis.call('UNLINK', KEYS[6 + generation])",
        "",
        "records of charges are never emptied",
    ),
    Mutation(
        "parts/generation",
        "'generation_since', stamp)",
        "'generation_since', since or stamp)",
        "every charge after a month empties records",
    ),
    Mutation(
        "batch", "amount = amount + one", "amount = one", "of a batch the last item is checked"
    ),
    Mutation(
        "batch", "post(member, sign * amount)", "post(member, amount)", "a batch of charges adds"
    ),
    Mutation("batch", "live and sign < 0", "false", "batches leave grants alone"),
    Mutation(
        "batch",
        "sign < 0 and KEYS[6 + generation] or KEYS[8]",
        "KEYS[6 + (generation or 0)]",
        "batches of payments are forgotten",
    ),
    Mutation(
        "batch",
        "elseif balance + amount > MAX_BALANCE then",
        "elseif false then",
        "a batch passes the largest balance",
    ),
)
