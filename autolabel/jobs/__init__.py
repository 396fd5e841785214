"""The use cases of jobs, and the engine that works them: plan, claim, predict, commit, finish."""
