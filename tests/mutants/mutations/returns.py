"""Refunds, revocations, transfers, allowances."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation("refund", "if amount > left then", "if false then", "more comes back than was paid"),
    Mutation(
        "refund",
        "math.floor(size) - before.so_far",
        "math.floor(size)",
        "what came back before is forgotten",
    ),
    Mutation(
        "refund", "digits(before.so_far + amount)", "digits(amount)", "only the last refund counts"
    ),
    Mutation("refund", "if now > tonumber(ARGV[1])", "if false", "no deadline for refunds"),
    Mutation(
        "refund",
        "if before.last_tx == ARGV[10] then",
        "if false then",
        "a second copy of a full refund is refused",
    ),
    Mutation(
        "refund",
        "ARGV[4] == '' and left == 0 and before.last_tx ~= ''",
        "false",
        "a full refund told again is another",
    ),
    Mutation("refund", "kind ~= 'settle' and kind ~= ''", "false", "holds are refunded"),
    Mutation("refund", "if size < 0 or", "if", "additions are refunded"),
    Mutation(
        "refund",
        "kind == 'settle' and charge.kept or -charge.amount",
        "-charge.amount",
        "of a hold the wrong part comes back",
    ),
    Mutation(
        "refund",
        "post(ARGV[2] .. text .. ARGV[3], amount)",
        "post(ARGV[2] .. text .. ARGV[3], -amount)",
        "a refund charges",
    ),
    Mutation(
        "refund",
        "for _, pair in ipairs(back) do give(pair[1], pair[2]) end",
        "",
        "a refund goes to no grant",
    ),
    Mutation(
        "refund", "  if #back > 0 then expire() end\n", "", "a refund revives a grant that is over"
    ),
    Mutation(
        "refund",
        "if key then redis.call('HSET'",
        "if false then redis.call('HSET'",
        "the key of a refund is not kept",
    ),
    Mutation(
        "revoke",
        "if now > tonumber(ARGV[1]) then return {'late', stamp} end\n\n",
        "",
        "no deadline for revocations",
    ),
    Mutation(
        "revoke",
        "if now > tonumber(ARGV[1]) then return {'late', stamp} end\n    if marks",
        "if marks",
        "no deadline for announced revocations",
    ),
    Mutation("revoke", "if size < 0 or", "if", "charges are revoked"),
    Mutation(
        "revoke",
        "if told and not (grant and redis.call('HEXISTS', KEYS[3], 'grant ' .. grant) == 1) then",
        "if told then",
        "what came back to a revoked grant stays",
    ),
    Mutation(
        "revoke", "== id) then size = 0 end", "== id) then end", "a period that is over takes"
    ),
    Mutation(
        "revoke",
        "and string.sub(grant, 22) == id) then grant = nil end",
        "and grant) then grant = nil end",
        "an entry of others takes our grant",
    ),
    Mutation(
        "revoke",
        "and not (kind and string.sub(grant, 22) == id) then",
        "and kind and string.sub(grant, 22) ~= id then",
        "an addition of others takes the grant it names",
    ),
    Mutation(
        "revoke",
        "if string.sub(added, 1, 4) == 'add\\31' then",
        "if false then",
        "of what was added together the first is revoked",
    ),
    Mutation("revoke", "if marks >= 10 then", "if marks > 10 then", "eleven revocations wait"),
    Mutation("revoke", "-- @use records", "", "a second copy of a revocation takes again"),
    Mutation(
        "batch",
        "elseif key and redis.call('HEXISTS', KEYS[8], 'revoke\\n' .. key) == 1 then",
        "elseif false then",
        "what is added together passes a revocation that waits",
    ),
    Mutation("parts/take_back", "(all or tx", "(tx", "a part hides that all of it was asked for"),
    Mutation("parts/find", "kind = 'string', ", "", "a kind of others is believed whatever it is"),
    Mutation(
        "parts/find", "grant = 'string', ", "", "a grant of others is believed whatever it is"
    ),
    Mutation(
        "parts/find",
        "if entry.kept and not",
        "if false and not",
        "what others say they kept is believed however much it is",
    ),
    Mutation(
        "revoke",
        "(kind and kind ~= 'allowance' and not (kind == 'grant' and grant)) then\n",
        "false then end\nif not grant then kind = nil end\nif size < 0 then\n",
        "refunds are revoked",
    ),
    Mutation(
        "revoke",
        "if told and not (grant and redis.call('HEXISTS', KEYS[3], 'grant ' .. grant) == 1) then",
        "if false then",
        "a revocation takes what comes later",
    ),
    Mutation(
        "revoke",
        "redis.call('HSET', KEYS[8], field, announced",
        "redis.call('HSET', KEYS[7], field, announced",
        "a revocation before the addition is lost",
    ),
    Mutation("revoke", "if changed then schedule() end", "", "a revoked grant stays scheduled"),
    Mutation(
        "add", "if announced then", "if false then", "a revocation before the addition is ignored"
    ),
    Mutation(
        "parts/take_back",
        "math.max(0, size - before.so_far)",
        "size",
        "more is revoked than was added",
    ),
    Mutation(
        "parts/claims",
        "balance - math.max(0, floor)",
        "balance",
        "a revocation ignores the floor",
    ),
    Mutation(
        "parts/claims",
        "ipairs(redis.call('ZRANGE', KEYS[4], 0, -1))",
        "ipairs({})",
        "a revocation takes the credits of grants",
    ),
    Mutation(
        "parts/take_back", "math.min(asked or left, left)", "left", "a part is revoked as a whole"
    ),
    Mutation(
        "parts/take_back",
        "post(head .. digits(-amount) .. tail, -amount)",
        "post(head .. digits(-amount) .. tail, amount)",
        "a revocation adds",
    ),
    Mutation(
        "parts/take_back",
        "if grant and amount > 0 then take(grant, amount) end",
        "",
        "a revoked grant burns on",
    ),
    Mutation(
        "parts/take_back",
        "digits(before.so_far + amount + claimed)",
        "digits(amount + claimed)",
        "only the last revocation counts",
    ),
    Mutation("send", "if now > tonumber(ARGV[1])", "if false", "no deadline for transfers"),
    Mutation("send", "redis.call('HSET', KEYS[8], key, record)", "", "a transfer leaves no record"),
    Mutation("send", "if fresh then", "if false then", "a transfer opens no log"),
    Mutation("send", "sources = burn(amount)", "", "a transfer leaves grants alone"),
    Mutation("send", "if frozen then", "if false then", "a frozen account is merged"),
    Mutation(
        "send",
        "amount = math.max(0, balance)",
        "amount = math.max(0, balance - floor - 1)",
        "a merge leaves something",
    ),
    Mutation("receive", "if now > tonumber(ARGV[1])", "if false", "no deadline for arrivals"),
    Mutation(
        "receive",
        "redis.call('HSET', KEYS[8], key, fing",
        "redis.call('HSET', KEYS[7], 'x', fing",
        "an arrival leaves no record",
    ),
    Mutation(
        "receive",
        "if balance + amount > MAX_BALANCE",
        "if false",
        "an arrival passes the largest balance",
    ),
    Mutation("receive", "if fresh then", "if false then", "an arrival opens no log"),
    Mutation(
        "receive",
        "math.min(amount, math.max(0, balance))",
        "amount",
        "an arrival does not pay a debt first",
    ),
    Mutation(
        "receive",
        "if part > 0 then give(ARGV[i], part) end",
        "",
        "grants arrive as credits that never expire",
    ),
    Mutation("cancel", "if now > tonumber(ARGV[1])", "if false", "no deadline for cancelling"),
    Mutation(
        "cancel",
        "KEYS[8], ARGV[2], 'cancelled",
        "KEYS[8], 'x', 'cancelled",
        "a cancelled arrival can still come",
    ),
    Mutation("cancel", "if record then", "if false then", "what has arrived is cancelled"),
    Mutation("recall", "if now > tonumber(ARGV[1])", "if false", "no deadline for recalls"),
    Mutation("recall", "give_back(sources, amount, amount)", "", "what comes back is no grant's"),
    Mutation(
        "recall", "record .. '\\nreturned'", "record", "what is not received comes back twice"
    ),
    Mutation("confirm", "if now > tonumber(ARGV[1])", "if false", "no deadline for confirmations"),
    Mutation("confirm", "record .. '\\nreceived'", "record", "what has arrived is not noted"),
    Mutation("renew", "if now > tonumber(ARGV[1])", "if false", "no deadline for allowances"),
    Mutation(
        "renew",
        "if last_start >= start then",
        "if last_start > start then",
        "an allowance is granted twice",
    ),
    Mutation(
        "renew",
        "if last_start >= start then",
        "if last_start == start then",
        "a period of the past is granted",
    ),
    Mutation(
        "renew",
        "granted == ARGV[3] and 'replayed'",
        "'replayed'",
        "another amount of a period replays",
    ),
    Mutation(
        "renew",
        "redis.call('HSET', KEYS[3], field,\n",
        "string.format('%s%s', field,\n",
        "an allowance leaves no record",
    ),
    Mutation(
        "renew", "math.max(0, carried - last_cap)", "0", "an allowance rolls over without a cap"
    ),
    Mutation(
        "renew",
        "carried - last_cap",
        "carried - (tonumber(ARGV[10]) or 0)",
        "what rolls over is what the next period allows",
    ),
    Mutation(
        "renew",
        "if string.sub(name, 22) == string.sub(last_grant, 22) then",
        "if name == last_grant then",
        "what rolled under another priority stays beside",
    ),
    Mutation(
        "renew",
        "if ARGV[10] == '' then carried = 0 end",
        "",
        "what rolled over goes with a period that has no cap",
    ),
    Mutation("renew", "carried = carried - lost", "carried = 0", "an allowance does not roll over"),
    Mutation(
        "renew",
        "for _, name in ipairs(replaced) do take(name, MAX_BALANCE) end",
        "",
        "what rolls over counts twice",
    ),
    Mutation(
        "renew",
        "math.min(carried + amount, math.max(0, balance))",
        "carried + amount",
        "an allowance does not pay a debt first",
    ),
    Mutation("renew", "if worth > 0 then give(grant, worth) end", "", "an allowance never expires"),
    Mutation("renew", "if fresh then", "if false then", "an allowance opens no log"),
)
