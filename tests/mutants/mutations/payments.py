"""Notes of payments."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation("note_payment", "if not known then", "if true then", "a note is written twice"),
    Mutation("note_payment", "notes[at] == ARGV[2]", "true", "only the first note is written"),
    Mutation("note_payment", "for at = 1, #notes, 2 do", "for at = 2, #notes, 2 do", "by values"),
    Mutation("note_payment", "if now > tonumber(ARGV[1])", "if false", "no deadline for notes"),
    Mutation("note_payment", "#notes >= 200", "false", "any number of notes"),
    Mutation("note_payment", "'RPUSH'", "'LPUSH'", "the last note comes first"),
    Mutation(
        "note_payment",
        "  notes[#notes + 1] = ARGV[2]\n  notes[#notes + 1] = ARGV[3]\n",
        "",
        "who writes does not see the own note",
    ),
)
