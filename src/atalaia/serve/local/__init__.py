"""Private servers and processes: what `atalaia up` starts and `atalaia down` stops."""
