"""Plans before spending: what a recipe reads, makes and takes, found out without running it; and what cannot fit.

`planner.plan` and `planner.plan_evaluation` make plans, `fitting` refuses; stages that plans start run in processes of
their own, so that nothing heavy is imported by whoever asks.
"""
