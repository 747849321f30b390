"""How work gets done: job, ledger, runner."""
