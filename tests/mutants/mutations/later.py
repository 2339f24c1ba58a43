"""What is looked at long after, or on the way."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation(
        "revoke",
        "if told then return {'replayed', stamp, raw or '0', told} end\n",
        "",
        "of what is folded nobody knows that it was revoked",
    ),
    Mutation(
        "revoke",
        "if whole_of_it and ARGV[4] == '' then",
        "if false then",
        "the same is announced again and again",
    ),
    Mutation(
        "revoke",
        "if ARGV[11] ~= '' then tail =",
        "if false then tail =",
        "what was revoked is lost",
    ),
    Mutation(
        "add",
        "tail = string.sub(tail, 1, -2) .. ',\"ref\":\"' .. ARGV[8] .. '\"}'",
        "",
        "what was revoked before it came is lost",
    ),
    Mutation(
        "renew",
        "    if raw then\n",
        "    if true then\n",
        "a period of an account that is gone binds",
    ),
    Mutation(
        "settle",
        "redis.call('HDEL', KEYS[7 - generation], 'hold\\n' .. ARGV[4])",
        "",
        "an expired hold is charged again a month later",
    ),
    Mutation(
        "parts/expire",
        "if balance + held <= MAX_BALANCE then",
        "if true then",
        "an expired hold passes the largest balance",
    ),
    Mutation("receive", "  expire()\n", "", "a grant that is over arrives"),
    Mutation("recall", "  expire()\n", "", "a grant that is over comes back"),
    Mutation("send", "if changed then schedule() end", "", "a grant that was sent stays the first"),
    Mutation(
        "refund", "if changed then schedule() end", "", "a grant that is back is not looked at"
    ),
)
