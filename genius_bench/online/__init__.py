"""The online stage: the policy answers, a reward that needs no label judges, and the policy moves, step by step."""
