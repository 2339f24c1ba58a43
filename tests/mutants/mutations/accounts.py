"""Sign-ups, settings, touches, the state of an account."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation("initialize", "if signed_up() then", "if false then", "a sign-up is given every time"),
    Mutation("initialize", "mark = true", "mark = false", "a sign-up leaves no mark"),
    Mutation("initialize", "if now > tonumber(ARGV[1])", "if false", "no deadline for sign-ups"),
    Mutation(
        "initialize",
        "if balance + credits > MAX_BALANCE",
        "if false",
        "a sign-up passes the largest balance",
    ),
    Mutation(
        "parts/signup",
        "initialized or fresh",
        "initialized",
        "an old balance without a log signs up",
    ),
    Mutation("parts/signup", "initialized or fresh", "fresh", "the mark is ignored"),
    Mutation(
        "parts/signup",
        "fields.action == 'user_initialized'",
        "false",
        "sign-ups by others are not seen",
    ),
    Mutation("parts/signup", "and fields.initialized", "and false", "a checkpoint hides a sign-up"),
    Mutation("parts/first_touch", "not signed_up()", "true", "the first touch signs up again"),
    Mutation("parts/first_touch", "  mark = true\n", "", "a first touch leaves no mark"),
    Mutation("parts/account", "initialized = false --", "--", "a deleted account stays signed up"),
    Mutation("parts/account", "if fresh and last then", "if false then", "a lost log is hidden"),
    Mutation("parts/balance", "if not raw and", "if false and", "a lost balance counts as 0"),
    Mutation(
        "parts/opening", "= true, true, false", "= false, true, false", "an opening marks none"
    ),
    Mutation("parts/opening", "= true, true, false", "= true, false, false", "an opening signs up"),
    Mutation("parts/opening", "= true, true, false", "= true, true, true", "a log is opened twice"),
    Mutation("parts/touch", "tonumber(rules[1] or '0')", "0", "the floor is not read"),
    Mutation("parts/touch", ", rules[2], rules[5]", ", false, rules[5]", "the freeze is not read"),
    Mutation(
        "parts/touch",
        "redis.call('UNLINK', KEYS[4], KEYS[5])",
        "",
        "grants of an account that is gone stay",
    ),
    Mutation("parts/touch", "        expire()\n", "", "what falls due is not applied"),
    Mutation("parts/touch", "if fresh then", "if false then", "what falls due opens no log"),
    Mutation(
        "parts/account",
        "if not last and not due and redis.call('EXISTS', KEYS[5]) == 1 then",
        "if false then",
        "a lost state is hidden",
    ),
    Mutation(
        "parts/account",
        "if not last and not due and",
        "if not last and",
        "what is open and known is taken for lost",
    ),
    Mutation(
        "parts/touch",
        "local fallen = rules[4] and",
        "local fallen = false and",
        "nothing falls due",
    ),
    Mutation(
        "parts/touch", "burn(tonumber(rules[3]) - balance)", "", "what others spend burns no grants"
    ),
    Mutation(
        "parts/touch",
        "burn(tonumber(rules[3]) - balance)",
        "burn(balance - tonumber(rules[3]))",
        "what others add burns grants",
    ),
    Mutation(
        "parts/touch",
        "redis.call('HSET', KEYS[3], 'seen', raw)",
        "",
        "what others spent is burned again and again",
    ),
    Mutation(
        "balance", "if now > tonumber(ARGV[1])", "if false", "no deadline for a look that signs up"
    ),
    Mutation(
        "balance", "not (closer and closer <= now)", "true", "a look at the balance applies nothing"
    ),
    Mutation(
        "account", "if now > tonumber(ARGV[1])", "if false", "no deadline for a look that applies"
    ),
    Mutation("settings", "if now > tonumber(ARGV[1])", "if false", "no deadline for settings"),
    Mutation(
        "settings", "redis.call('HSET', KEYS[3], 'floor', digits(floor))", "", "a floor is not kept"
    ),
    Mutation("settings", "redis.call('HDEL', KEYS[3], 'floor')", "", "a floor stays"),
    Mutation(
        "settings", "redis.call('HSET', KEYS[3], 'frozen', frozen)", "", "a freeze is not kept"
    ),
    Mutation("settings", "redis.call('HDEL', KEYS[3], 'frozen')", "", "a freeze stays"),
    Mutation("settings", "\nschedule()", "\n", "settings are not looked at again"),
    Mutation("delete", "if now > tonumber(ARGV[1])", "if false", "no deadline for a deletion"),
    Mutation(
        "delete",
        "unpack(KEYS)",
        "KEYS[1], KEYS[2], KEYS[3]",
        "a deletion leaves grants and records",
    ),
)
