"""How we know: checks, SLOs, readiness, metrics."""
