"""Verification, repair, folding."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation("read_log", "ARGV[1] == 'newest'", "false", "a log is read from one end only"),
    Mutation(
        "parts/ranges",
        "ARGV[at], ARGV[at + 1]",
        "ARGV[at], '+inf'",
        "ranges are counted beyond their end",
    ),
    Mutation(
        "repair",
        "if counts[i] ~= tonumber(ARGV[expected + i - 1])",
        "if false",
        "a log that changed is repaired to an old sum",
    ),
    Mutation("repair", "low + (amount - above * UNIT)", "low", "open entries are not summed"),
    Mutation("repair", "high + above", "high", "of large entries the most is not summed"),
    Mutation(
        "repair", "if entries == 0 then", "if false then", "a lost log is repaired to nothing"
    ),
    Mutation(
        "repair",
        "redis.call('SET', KEYS[1], text)",
        "redis.call('GET', KEYS[1])",
        "a repair writes nothing",
    ),
    Mutation("fold", "if now > tonumber(ARGV[1])", "if false", "no deadline for folds"),
    Mutation("fold", "<= now - YOUNGEST_MS", "<= now + YOUNGEST_MS", "young entries are folded"),
    Mutation(
        "fold",
        "total = total + amount\n",
        "total = total - amount\n",
        "a checkpoint has the wrong sum",
    ),
    Mutation(
        "fold",
        "count = count + entry.entries",
        "count = count + 1",
        "a checkpoint forgets how many entries it stands for",
    ),
    Mutation("fold", "redis.call('ZREM', KEYS[2], unpack(gone))", "", "folded entries stay"),
    Mutation(
        "fold", "redis.call('ZADD', KEYS[2], at, checkpoint)", "", "a fold leaves no checkpoint"
    ),
    Mutation(
        "fold",
        "redis.call('HDEL', KEYS[8], unpack(forgotten))",
        "redis.call('HLEN', KEYS[8])",
        "who paid what is folded is kept for ever",
    ),
    Mutation(
        "fold",
        "signed = signed or entry.action == 'user_initialized'",
        "signed = signed",
        "a fold forgets the sign-up",
    ),
    Mutation(
        "fold",
        "redis.call('HSET', KEYS[3], 'folded'",
        "redis.call('HSET', KEYS[3], 'folded_'",
        "nobody knows up to where it is folded",
    ),
    Mutation(
        "fold",
        "'hold ' .. hold) == 1 end",
        "'hold ' .. hold) == 2 end",
        "entries of open holds are folded",
    ),
    Mutation(
        "fold", "'^%S+ %S+ (%S+)')\n", "'^(zz)')\n", "the record of a young refund is forgotten"
    ),
    Mutation(
        "fold",
        "and string.sub(tostring(entry.id), 1, 11) == 'checkpoint_'",
        "",
        "an entry of others passes for a checkpoint",
    ),
    Mutation(
        "fold", "entries == math.floor(entries)", "true", "a checkpoint stands for half an entry"
    ),
    Mutation("fold", "entries >= 1 and", "", "a checkpoint stands for nothing"),
    Mutation("fold", "entries <= MAX_BALANCE", "true", "a checkpoint stands for anything"),
    Mutation(
        "fold",
        'string.find(member, \'{"id":"checkpoint_\', 1, true) == 1',
        "true",
        "what nobody has archived goes with the last checkpoint",
    ),
    Mutation("fold", "seen[member] = true", "", "an entry that is named twice counts twice"),
    Mutation(
        "fold",
        "if not score then return {'changed', stamp} end",
        "score = score or '0'",
        "what another fold took counts again",
    ),
    Mutation(
        "fold",
        "string.match(folded, '%S*$') == ARGV[2]",
        "false",
        "a fold is not told again",
    ),
    Mutation(
        "fold", "folded = string.match(folded, '^%S+')", "folded = nil", "checkpoints pile up"
    ),
)
