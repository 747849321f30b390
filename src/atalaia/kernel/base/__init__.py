"""The ground: settings, database, trace, errors, clock, outbound HTTP."""
