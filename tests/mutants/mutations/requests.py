"""Requests with an idempotency key of the client."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

MUTATIONS = (
    Mutation(
        "begin_request",
        "if state == 'running' and call == ARGV[5]",
        "if false",
        "a begin told again past its deadline is late",
    ),
    Mutation(
        "begin_request",
        "call == ARGV[5]",
        "owner == ARGV[2]",
        "a renewal that was not made is told as made",
    ),
    Mutation("begin_request", "if now > tonumber(ARGV[1])", "if false", "no deadline for begins"),
    Mutation("begin_request", "lease > 3600000", "false", "a lease of any length"),
    Mutation(
        "begin_request",
        "if owner == ARGV[2] then return {'invalid'",
        "if false then return {'invalid'",
        "a late begin takes up what was abandoned",
    ),
    Mutation("begin_request", "  state = nil\n", "", "what was abandoned is never begun again"),
    Mutation(
        "begin_request",
        "if state and fingerprint ~= ARGV[3]",
        "if false",
        "one key for two requests",
    ),
    Mutation(
        "begin_request",
        "if state == 'answered' then",
        "if false then",
        "what is answered is done again",
    ),
    Mutation("begin_request", "if left > 0 then", "if false then", "two at a time have a request"),
    Mutation("begin_request", "if left > 0 then", "if true then", "a request is never taken over"),
    Mutation("begin_request", "  again = '1'\n", "", "who takes over is not told that it does"),
    Mutation(
        "begin_request",
        "'running', ARGV[2], token,",
        "'running', ARGV[2], ARGV[2],",
        "a token that does not survive",
    ),
    Mutation(
        "begin_request",
        "{'running', ARGV[2], token",
        "{'running', owner or ARGV[2], token",
        "who takes over is not the owner",
    ),
    Mutation(
        "begin_request", "now + lease)", "(tonumber(ends) or now + lease))", "no lease is renewed"
    ),
    Mutation(
        "begin_request",
        "digits(lease + 86400000)",
        "digits(lease)",
        "with its lease a request is forgotten",
    ),
    Mutation(
        "finish_request",
        "if mine and state == 'answered'",
        "if false",
        "an answer told again is refused",
    ),
    Mutation(
        "finish_request",
        "string.sub(record, from) == ARGV[3]",
        "true",
        "another answer is told as kept",
    ),
    Mutation("finish_request", "if now > tonumber(ARGV[1])", "if false", "no deadline for ends"),
    Mutation("finish_request", "keep > 2592000000", "false", "an answer is kept for any time"),
    Mutation("finish_request", "#ARGV[3] > 1048576", "false", "an answer of any length"),
    Mutation("finish_request", "if not mine or", "if", "a late worker overwrites"),
    Mutation(
        "finish_request", "or state ~= 'running'", "", "a second answer, or one after the end"
    ),
    Mutation("finish_request", "digits(keep)", "'86400000'", "every answer is kept for a day"),
    Mutation(
        "abandon_request",
        "if mine and state == 'abandoned'",
        "if false",
        "giving up told again is refused",
    ),
    Mutation(
        "abandon_request", "if now > tonumber(ARGV[1])", "if false", "no deadline for giving up"
    ),
    Mutation("abandon_request", "if not mine or", "if", "anybody gives up a request"),
    Mutation("abandon_request", "or state ~= 'running'", "", "an answer is given up"),
    Mutation(
        "parts/request",
        "(%d+%.%d+)",
        "([^\\n]*)",
        "what is no record is read as one",
    ),
)
