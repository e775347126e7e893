"""Genius: self-training with foresight re-sampling and advantage-calibrated optimisation (arXiv 2504.08672)."""

from typing import Any

import numpy as np

from genius_bench.method import Collected, Method, Work
from genius_bench.rows import PreferencePair, Query
from genius_bench.sampling.choice import foresight_distribution, next_beams
from genius_bench.sampling.foresight import Beam, Search, completed, roll_out
from genius_bench.sampling.foresight_options import NO_FORESIGHT, NO_SAMPLING, RELEASED, ForesightOptions
from genius_bench.sampling.foresight_trace import step_trace
from genius_bench.sampling.pairing import choose_pair
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.prompts import prompt_for
from genius_bench.sampling.training_context import pair_of
from genius_bench.seeds import seed_of


class Genius(Method):
    """Samples answers step by step, looks ahead from each candidate step, and learns from the steps' advantages."""

    name = "genius"
    title = "Genius"
    source = "Xu et al., 'Genius', ACL 2025, arXiv 2504.08672, §2.2"
    group = "paper"
    Options = ForesightOptions
    objective = {"name": "aco"}
    variants = {
        "paper": {},
        "released": RELEASED,
        "no_foresight": NO_FORESIGHT,
        "no_sampling": NO_SAMPLING,
    }

    @property
    def work(self) -> Work:
        o: ForesightOptions = self.options
        # With its look-ahead a candidate is about a whole response, a step alone about 1/K of one.
        candidates = o.beam_size * o.rollouts * (o.steps if o.score == "foresight" else 1)
        completions = 0 if o.score == "foresight" else 2 * o.steps
        return Work(sampled=candidates + completions, trained=2 * o.steps)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: ForesightOptions = self.options
        random = np.random.default_rng(seed_of(policy.seed, "genius", query.id))
        search = Search(query.id, prompt_for(query, policy, options), policy, options)
        beams = [Beam() for _ in range(options.beam_size)]  # Q_0 = 0
        pairs: list[PreferencePair] = []
        seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        notes = {"no_contrast": 0, "unfinished": 0, "repeated": 0, "ended_early": 0, "no_room": 0}
        trace: list[Any] = []

        for k in range(1, options.steps + 1):
            candidates = await roll_out(beams, search, k)  # a_k, a'_>k, f (Eq. 1) and A (Eq. 6)
            if all(candidate.finished for candidate in candidates):
                notes["ended_early" if candidates else "no_room"] = options.steps - len(trace)
                break
            scores = [candidate.score for candidate in candidates]
            kept = next_beams(scores, options, random)  # exploration, Eqs. 2-3
            pair = choose_pair(candidates, options, random)  # exploitation, Eq. 5
            trace.append(
                step_trace(candidates, foresight_distribution(scores, options.tau), kept, pair, policy)
            )
            beams = [candidates[i].as_beam() for i in kept]  # Eq. 4
            if pair is None:
                notes["no_contrast"] += 1
                continue
            chosen = await completed(candidates[pair[0]], search, k, "chosen")
            rejected = await completed(candidates[pair[1]], search, k, "rejected")
            if options.unfinished == "drop" and not (chosen.complete and rejected.complete):
                notes["unfinished"] += 1
                continue
            row = pair_of(query, k, search.prompt.ids, chosen, rejected, policy, options)
            halves = (row.chosen_ids, row.rejected_ids)
            if halves in seen and options.duplicates == "leave_out":
                notes["repeated"] += 1
                continue
            seen.add(halves)
            pairs.append(row)

        return Collected(rows=list(pairs), trace=trace, notes=notes)
